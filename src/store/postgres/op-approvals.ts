import type { Approval, ApprovalBinding, ApprovalState } from '../../domain/approval.ts';
import { scopesOf } from '../../domain/halt.ts';
import type { ActionPark, ApprovalAnswer, ApprovalVoid, OpResults } from '../../domain/ops.ts';
import { type AskRef, approvalAnswered, approvalVoided } from '../../ledger/record.ts';
import { parkRecorded } from '../../ledger/record-action.ts';
import { insert, requireOwn } from '../actions.ts';
import { withoutContent } from '../erased.ts';
import { fault, refused } from '../ground.ts';
import { isHaltedSince } from '../halted.ts';
import type { Transaction } from './transaction.ts';

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

const APPROVAL = {
  name: 'approval',
  text: `SELECT ${APPROVAL_COLUMNS} FROM approvals WHERE id = $1`,
};
const OPEN_ASK = {
  name: 'open-ask',
  text: `SELECT id FROM approvals WHERE ask_key = $1 AND state IN ('pending', 'approved')
    AND expires_at > $2 ORDER BY asked_at DESC LIMIT 1`,
};
const ASK = {
  name: 'ask',
  text: `INSERT INTO approvals (id, run_id, action_id, agent, tool, tool_digest, connection,
      arguments_digest, ask_key, binding, digest, halt, state, asked_at, expires_at, seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, $15)`,
};
const ANSWER = {
  name: 'answer',
  text: 'UPDATE approvals SET state = $2, answered_by = $3, answered_at = $4 WHERE id = $1',
};
const VOID = { name: 'void', text: `UPDATE approvals SET state = 'void' WHERE id = ANY ($1)` };

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

export async function park(tx: Transaction, op: ActionPark): Promise<OpResults['action.park']> {
  const { action, approval } = op;
  const { binding } = approval;
  const run = tx.standing.run(action.runId);
  if (run?.state !== 'live' || run.expires_at <= op.at) return refused('run-over');
  requireOwn(run, action);
  if (approval.actionId !== action.id || binding.runId !== action.runId)
    throw fault(`approval \`${approval.id}\` is not for action \`${action.id}\``);
  const { tool, connection } = action;
  const scopes = scopesOf({ run: { ...run, actsFor: [] }, tool, connection }); // those above are looked up
  if (isHaltedSince(tx, binding.halt, scopes, run.id)) return refused('stale');
  const open = await tx.one<{ id: string }>(OPEN_ASK, op.askKey, op.at);
  if (open !== undefined) return { ...refused('open'), approvalId: open.id };
  insert(tx, action, 'parked', op.at, null);
  tx.standing.count(run.id, 1, 0);
  const seq = tx.chains.append(parkRecorded(op));
  await tx.flush();
  const isErased = run.erased === 1;
  await tx.run(
    ASK,
    approval.id,
    action.runId,
    action.id,
    approval.agent,
    binding.tool,
    binding.toolDigest,
    action.connection,
    isErased ? null : binding.argumentsDigest,
    isErased ? null : op.askKey,
    JSON.stringify(isErased ? withoutContent(binding) : binding),
    approval.digest,
    binding.halt,
    approval.askedAt,
    binding.expiresAt,
    seq,
  );
  return { ok: true };
}

export async function answer(
  tx: Transaction,
  op: ApprovalAnswer,
): Promise<OpResults['approval.answer']> {
  const row = await tx.one<ApprovalRow>(APPROVAL, op.approvalId);
  if (row === undefined) return refused('missing');
  if (row.state === 'void') return refused('void');
  if (row.state !== 'pending') return refused('answered');
  if (row.expires_at <= op.at) return refused('expired');
  await tx.run(ANSWER, op.approvalId, op.answer, op.by, op.at);
  tx.chains.append(
    approvalAnswered(op, { approvalId: row.id, actionId: row.action_id, runId: row.run_id }),
  );
  await tx.notify(`ask:${row.id}`);
  return {
    ok: true,
    approval: { ...approvalOf(row), state: op.answer, answeredBy: op.by, answeredAt: op.at },
  };
}

export async function voidApproval(
  tx: Transaction,
  op: ApprovalVoid,
): Promise<OpResults['approval.void']> {
  const row = await tx.one<ApprovalRow>(APPROVAL, op.approvalId);
  if (row?.state !== 'pending' && row?.state !== 'approved') return refused('closed');
  await voidAsks(tx, [{ approvalId: row.id, actionId: row.action_id, runId: row.run_id }], {
    cause: 'broker',
    halt: null,
    because: op.because,
    at: op.at,
  });
  return { ok: true };
}

/** Voids the asks, each with a record in its run's chain, which must be locked. */
export async function voidAsks(
  tx: Transaction,
  asks: readonly AskRef[],
  why: Parameters<typeof approvalVoided>[1],
): Promise<void> {
  if (asks.length === 0) return;
  await tx.run(
    VOID,
    asks.map(({ approvalId }) => approvalId),
  );
  for (const ask of asks) tx.chains.append(approvalVoided(ask, why));
  for (const { approvalId } of asks) await tx.notify(`ask:${approvalId}`);
}
