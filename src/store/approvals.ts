import type { Approval, ApprovalBinding, ApprovalState } from '../domain/approval.ts';
import type { Repeats } from '../domain/loops.ts';
import type { ActionPark, ApprovalAnswer, OpResults, Refused } from '../domain/ops.ts';
import type { AskRef } from '../ledger/record.ts';
import { requireOwn } from './actions.ts';
import { withoutContent } from './erased.ts';
import { fault, type RunGate, refused } from './ground.ts';

/** The rules of asks, whatever store they are in: what is read comes in, what is to be written goes out. */
export interface ApprovalRow {
  readonly id: string;
  readonly run_id: string;
  readonly action_id: string;
  readonly agent: string;
  readonly tool: string;
  readonly binding: string;
  readonly digest: string;
  readonly state: ApprovalState;
  readonly asked_at: number;
  readonly expires_at: number;
  readonly answered_by: string | null;
  readonly answered_at: number | null;
  readonly seq: number;
}

export const APPROVAL_COLUMNS = `id, run_id, action_id, agent, tool, binding, digest, state,
  asked_at, expires_at, answered_by, answered_at, seq`;

export function approvalOf(row: ApprovalRow): Approval {
  return {
    id: row.id,
    actionId: row.action_id,
    agent: row.agent,
    binding: JSON.parse(row.binding) as ApprovalBinding,
    digest: row.digest,
    state: row.state,
    askedAt: row.asked_at,
    answeredBy: row.answered_by,
    answeredAt: row.answered_at,
  };
}

export function askOf(row: ApprovalRow): AskRef {
  return { approvalId: row.id, actionId: row.action_id, runId: row.run_id };
}

/** Why it cannot be answered; null when it waits for that. */
export function whyNotAnswered(
  row: ApprovalRow | undefined,
  { at }: ApprovalAnswer,
): Exclude<OpResults['approval.answer'], { ok: true }> | null {
  if (row === undefined) return refused('missing');
  if (row.state === 'void') return refused('void');
  if (row.state !== 'pending') return refused('answered');
  return row.expires_at <= at ? refused('expired') : null;
}

export function answered(row: ApprovalRow, op: ApprovalAnswer): OpResults['approval.answer'] {
  const { answer: state, by: answeredBy, at: answeredAt } = op;
  return { ok: true, approval: { ...approvalOf(row), state, answeredBy, answeredAt } };
}

export function canBeVoided(row: ApprovalRow | undefined): row is ApprovalRow {
  return row?.state === 'pending' || row?.state === 'approved';
}

/** Why nothing of this run is parked; null when it may be. Throws where the op contradicts itself. */
export function whyNotParked(
  run: RunGate | undefined,
  { action, approval, at }: ActionPark,
): Refused<'run-over'> | null {
  if (run?.state !== 'live' || run.expires_at <= at) return refused('run-over');
  requireOwn(run, action);
  if (approval.actionId !== action.id || approval.binding.runId !== action.runId)
    throw fault(`approval \`${approval.id}\` is not for action \`${action.id}\``);
  return null;
}

export const ASK_COLUMNS = `id, run_id, action_id, agent, tool, tool_digest, connection,
  arguments_digest, ask_key, binding, digest, halt, asked_at, expires_at, seq, state`;

/** In the order of `ASK_COLUMNS`. */
export function askValues(
  { action, approval, askKey }: ActionPark,
  seq: number,
  isErased: boolean,
) {
  const { binding } = approval;
  return [
    approval.id,
    action.runId,
    action.id,
    approval.agent,
    binding.tool,
    binding.toolDigest,
    action.connection,
    isErased ? null : binding.argumentsDigest,
    isErased ? null : askKey,
    JSON.stringify(isErased ? withoutContent(binding) : binding),
    approval.digest,
    binding.halt,
    approval.askedAt,
    binding.expiresAt,
    seq,
    'pending',
  ];
}

/** Refused asks for one tool, those for one call apart: `same` is 1 or true for these. */
export function refusedIn(
  rows: readonly { readonly same: number | boolean; readonly n: number }[],
): Pick<Repeats, 'refusedAsks' | 'refusedOfTool'> {
  return {
    refusedAsks: rows.find(({ same }) => Boolean(same))?.n ?? 0,
    refusedOfTool: rows.reduce((sum, { n }) => sum + n, 0),
  };
}
