import { scopesOf } from '../../domain/halt.ts';
import type { ActionPark, ApprovalAnswer, ApprovalVoid, OpResults } from '../../domain/ops.ts';
import { type AskRef, approvalAnswered, approvalVoided } from '../../ledger/record.ts';
import { parkRecorded } from '../../ledger/record-action.ts';
import { insert } from '../actions.ts';
import {
  APPROVAL_COLUMNS,
  type ApprovalRow,
  ASK_COLUMNS,
  answered,
  askOf,
  askValues,
  canBeVoided,
  whyNotAnswered,
  whyNotParked,
} from '../approvals.ts';
import { refused } from '../ground.ts';
import { isHaltedSince } from '../halted.ts';
import type { Transaction } from './transaction.ts';

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
  text: `INSERT INTO approvals (${ASK_COLUMNS})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
};
const ANSWER = {
  name: 'answer',
  text: 'UPDATE approvals SET state = $2, answered_by = $3, answered_at = $4 WHERE id = $1',
};
const VOID = { name: 'void', text: `UPDATE approvals SET state = 'void' WHERE id = ANY ($1)` };

export async function park(tx: Transaction, op: ActionPark): Promise<OpResults['action.park']> {
  const { action, approval } = op;
  const run = tx.standing.run(action.runId);
  const why = whyNotParked(run, op);
  if (run === undefined || why !== null) return why ?? refused('run-over');
  const { tool, connection } = action;
  const scopes = scopesOf({ run: { ...run, actsFor: [] }, tool, connection }); // those above are looked up
  if (isHaltedSince(tx, approval.binding.halt, scopes, run.id)) return refused('stale');
  const open = await tx.one<{ id: string }>(OPEN_ASK, op.askKey, op.at);
  if (open !== undefined) return { ...refused('open'), approvalId: open.id };
  insert(tx, action, 'parked', op.at, null);
  tx.standing.count(run.id, 1, 0);
  const seq = tx.chains.append(parkRecorded(op));
  tx.flush();
  await tx.run(ASK, ...askValues(op, seq, run.erased === 1));
  return { ok: true };
}

export async function answer(
  tx: Transaction,
  op: ApprovalAnswer,
): Promise<OpResults['approval.answer']> {
  const row = await tx.one<ApprovalRow>(APPROVAL, op.approvalId);
  const why = whyNotAnswered(row, op);
  if (row === undefined || why !== null) return why ?? refused('missing');
  await tx.run(ANSWER, op.approvalId, op.answer, op.by, op.at);
  tx.chains.append(approvalAnswered(op, askOf(row)));
  tx.notify(`ask:${row.id}`);
  return answered(row, op);
}

export async function voidApproval(
  tx: Transaction,
  op: ApprovalVoid,
): Promise<OpResults['approval.void']> {
  const row = await tx.one<ApprovalRow>(APPROVAL, op.approvalId);
  if (!canBeVoided(row)) return refused('closed');
  const { because, at } = op;
  voidAsks(tx, [askOf(row)], { cause: 'broker', halt: null, because, at });
  return { ok: true };
}

/** Voids the asks, each with a record in its run's chain, which must be locked. */
export function voidAsks(
  tx: Transaction,
  asks: readonly AskRef[],
  why: Parameters<typeof approvalVoided>[1],
): void {
  if (asks.length === 0) return;
  tx.send(
    VOID,
    asks.map(({ approvalId }) => approvalId),
  );
  for (const ask of asks) {
    tx.chains.append(approvalVoided(ask, why));
    tx.notify(`ask:${ask.approvalId}`);
  }
}
