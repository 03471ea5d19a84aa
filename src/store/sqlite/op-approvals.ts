import type { Approval, ApprovalBinding, ApprovalState } from '../../domain/approval.ts';
import type { ApprovalAnswer, ApprovalVoid, OpResults } from '../../domain/ops.ts';
import { approvalAnswered } from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { voidAsks } from './op-halts.ts';
import type { Transaction } from './transaction.ts';

export interface ApprovalRow {
  readonly id: string;
  readonly run_id: string;
  readonly action_id: string;
  readonly agent: string;
  readonly tool: string;
  readonly tool_digest: string;
  readonly arguments_digest: string | null;
  readonly binding: string;
  readonly digest: string;
  readonly halt: number;
  readonly state: ApprovalState;
  readonly asked_at: number;
  readonly expires_at: number;
  readonly answered_by: string | null;
  readonly answered_at: number | null;
  readonly seq: number;
}

export const APPROVAL_COLUMNS = `id, run_id, action_id, agent, tool, tool_digest, arguments_digest,
  binding, digest, halt, state, asked_at, expires_at, answered_by, answered_at, seq`;

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

function approvalRow({ database }: Transaction, id: string): ApprovalRow | undefined {
  return database.one<ApprovalRow>(`SELECT ${APPROVAL_COLUMNS} FROM approvals WHERE id = ?`, id);
}

/** Id of the ask with this key that still waits or is approved, and has not expired. */
export function openAskOf({ database }: Transaction, askKey: string, at: number): string | null {
  const row = database.one<{ id: string }>(
    `SELECT id FROM approvals WHERE ask_key = ? AND state IN ('pending', 'approved')
       AND expires_at > ? ORDER BY asked_at DESC LIMIT 1`,
    askKey,
    at,
  );
  return row?.id ?? null;
}

export function answer(tx: Transaction, op: ApprovalAnswer): OpResults['approval.answer'] {
  const row = approvalRow(tx, op.approvalId);
  if (row === undefined) return refused('missing');
  if (row.state === 'void') return refused('void');
  if (row.state !== 'pending') return refused('answered');
  if (row.expires_at <= op.at) return refused('expired');
  tx.database.run(
    'UPDATE approvals SET state = ?, answered_by = ?, answered_at = ? WHERE id = ?',
    op.answer,
    op.by,
    op.at,
    op.approvalId,
  );
  tx.chains.append(
    approvalAnswered(op, { approvalId: row.id, actionId: row.action_id, runId: row.run_id }),
  );
  return {
    ok: true,
    approval: {
      ...approvalOf(row),
      state: op.answer,
      answeredBy: op.by,
      answeredAt: op.at,
    },
  };
}

export function voidApproval(tx: Transaction, op: ApprovalVoid): OpResults['approval.void'] {
  const row = approvalRow(tx, op.approvalId);
  if (row?.state !== 'pending' && row?.state !== 'approved') return refused('closed');
  voidAsks(tx, [{ approvalId: row.id, actionId: row.action_id, runId: row.run_id }], {
    cause: 'broker',
    halt: null,
    because: op.because,
    at: op.at,
  });
  return { ok: true };
}
