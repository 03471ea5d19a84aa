import type { ApprovalAnswer, ApprovalVoid, OpResults } from '../../domain/ops.ts';
import { approvalAnswered } from '../../ledger/record.ts';
import {
  APPROVAL_COLUMNS,
  type ApprovalRow,
  answered,
  askOf,
  canBeVoided,
  whyNotAnswered,
} from '../approvals.ts';
import { refused } from '../ground.ts';
import { voidAsks } from './op-halts.ts';
import type { Transaction } from './transaction.ts';

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
  const why = whyNotAnswered(row, op);
  if (row === undefined || why !== null) return why ?? refused('missing');
  tx.database.run(
    'UPDATE approvals SET state = ?, answered_by = ?, answered_at = ? WHERE id = ?',
    op.answer,
    op.by,
    op.at,
    op.approvalId,
  );
  tx.chains.append(approvalAnswered(op, askOf(row)));
  return answered(row, op);
}

export function voidApproval(tx: Transaction, op: ApprovalVoid): OpResults['approval.void'] {
  const row = approvalRow(tx, op.approvalId);
  if (!canBeVoided(row)) return refused('closed');
  const { because, at } = op;
  voidAsks(tx, [askOf(row)], { cause: 'broker', halt: null, because, at });
  return { ok: true };
}
