import type { ActionRecord } from '../domain/action-record.ts';
import type { EffectVector } from '../domain/effect.ts';
import type {
  ActionAdmit,
  ActionDecline,
  ActionMark,
  ActionSettle,
  OpResults,
  Reservation,
} from '../domain/ops.ts';
import type { Settlement } from '../domain/proposal.ts';
import { isJointRead } from '../ledger/read-record.ts';
import {
  declineRecorded,
  intentRecorded,
  markRecorded,
  outcomeRecorded,
} from '../ledger/record-action.ts';
import {
  type ActionGate,
  type Charge,
  fault,
  type Ground,
  type NewAction,
  type RunGate,
  refused,
  requireCount,
} from './ground.ts';
import { isHalted, isHaltedSince } from './halted.ts';
import { type PreparedRead, preparedRead } from './prepared-read.ts';

/**
 * Life of an action row:
 *   open → running → done | failed | refused | unknown     an intent and its outcome
 *   denied | drafted | parked                              never an intent; written once
 */

/*
 * `admit`, `admitRead`, `mark`, `settle` and `decline` look first and write after: what they refuse has written nothing,
 * so they need no savepoint. What is drawn and counted goes last, when no statement can fail any more.
 */

export function admit(tx: Ground, op: ActionAdmit): OpResults['action.admit'] {
  if (isJointRead(op)) return admitRead(tx, preparedRead(op));
  const { action } = op;
  if (op.outcome !== null && action.decision.nature.class !== 'read')
    throw fault(`\`${action.tool}\` is no read: its intent must be durable before its outcome`);
  const stopped = gate(tx, { ...action, stamp: op.stamp, scopes: op.scopes, at: op.at });
  if (stopped !== null) return refused(stopped);
  if (op.approvalId !== null && !isCovered(tx, op, op.approvalId)) return refused('approval-gone');
  if (!haveRoom(tx, op.reservations)) return refused('short');
  if (op.approvalId !== null) tx.rows.useApproval(op.approvalId, action.id);
  insert(tx, action, 'open', op.at, op);
  for (const event of intentRecorded(op)) tx.chains.append(event);
  for (const { key, dimension, amount } of op.reservations)
    tx.standing.draw(key, dimension, 0, amount);
  tx.standing.count(action.runId, 1, 0);
  const { runId } = action;
  const { reservations } = op;
  tx.standing.opened(action.id, { runId, state: 'open', halt: op.stamp.halt, reservations });
  if (op.outcome !== null) {
    const { settlement, posted } = op.outcome;
    close(tx, { id: action.id, runId }, reservations, settlement, posted, op.at);
  }
  return { ok: true };
}

/** A read with its outcome: one record, and no row that would only be closed at once. */
export function admitRead(tx: Ground, read: PreparedRead): OpResults['action.admit'] {
  const stopped = gate(tx, read);
  if (stopped !== null) return refused(stopped);
  if (!haveRoom(tx, read.draws)) return refused('short');
  for (const { spent, dimension } of read.draws)
    requireCount(spent, 'what was spent of', dimension);
  tx.chains.appendRead(read.runId, read.at, read);
  for (const { key, dimension, spent } of read.draws)
    if (spent > 0) tx.standing.draw(key, dimension, spent, 0);
  tx.standing.count(read.runId, 1, read.refused);
  return { ok: true };
}

type Gated = Pick<PreparedRead, 'runId' | 'root' | 'agent' | 'stamp' | 'scopes' | 'at'>;

/** What stops an intent before any of its limits is looked at. */
function gate(tx: Ground, one: Gated): 'run-over' | 'stale' | null {
  const run = tx.standing.run(one.runId);
  if (run?.state !== 'live' || run.expires_at <= one.at) return 'run-over';
  requireOwn(run, one);
  const control = tx.standing.control();
  if (control.halt !== one.stamp.halt || control.bundle !== one.stamp.bundle) return 'stale';
  return isHalted(tx, one.scopes, run.id) ? 'stale' : null;
}

export function mark(tx: Ground, op: ActionMark): OpResults['action.mark'] {
  const action = requireAction(tx, op.actionId, op.runId);
  if (action.state !== 'open' && action.state !== 'running') return refused('settled');
  if (isHaltedSince(tx, action.halt ?? 0, op.scopes, op.runId)) return refused('halted');
  tx.rows.markAction(op.actionId, JSON.stringify(op.trace), op.leaseId);
  tx.chains.append(markRecorded(op));
  return { ok: true };
}

export function settle(tx: Ground, op: ActionSettle): OpResults['action.settle'] {
  const action = requireAction(tx, op.actionId, op.runId);
  if (action.state !== 'open' && action.state !== 'running') return refused('settled');
  if (op.settlement.kind === 'running' && action.state === 'running') return { ok: true };
  const { reservations } = action;
  requireReserved(tx, reservations, op.settlement, op.posted);
  tx.chains.append(outcomeRecorded(op));
  const { actionId: id, runId } = op;
  close(tx, { id, runId }, reservations, op.settlement, op.posted, op.at);
  return { ok: true };
}

export function decline(tx: Ground, op: ActionDecline): OpResults['action.decline'] {
  const run = tx.standing.run(op.action.runId);
  // A run past its time may still be told no, and that is evidence; an ended one says nothing more.
  if (run?.state !== 'live') return refused('run-over');
  requireOwn(run, op.action);
  insert(tx, op.action, op.as, op.at, null);
  tx.chains.append(declineRecorded(op));
  tx.standing.count(run.id, 1, op.as === 'denied' ? 1 : 0);
  return { ok: true };
}

function requireAction({ standing }: Ground, id: string, runId: string): ActionGate {
  const action = standing.action(id);
  if (action?.runId !== runId)
    throw fault(`action \`${id}\` of run \`${runId}\` was never admitted`);
  return action;
}

export function requireOwn(
  run: RunGate,
  one: Pick<ActionRecord, 'runId' | 'root' | 'agent'>,
): void {
  if (run.root !== one.root || run.agent !== one.agent)
    throw fault(`an action of run \`${one.runId}\` names another root or agent than its run`);
}

/** False when one of them does not fit. */
function haveRoom({ standing }: Ground, reservations: readonly Reservation[]): boolean {
  let fits = true;
  for (let index = 0; index < reservations.length; index++) {
    const { key, dimension, amount, limit } = reservations[index] as Reservation;
    requireCount(amount, 'the amount of', dimension);
    requireCount(limit, 'the limit of', dimension);
    for (let other = 0; other < index; other++)
      if (reservations[other]?.key === key && reservations[other]?.dimension === dimension)
        throw fault('the same limit is reserved twice');
    const { posted, pending } = standing.used(key, dimension);
    fits &&= posted + pending + amount <= limit;
  }
  return fits;
}

export function insert(
  { rows, standing }: Ground,
  record: ActionRecord,
  state: NewAction['state'],
  at: number,
  intent: ActionAdmit | null,
): void {
  rows.insertAction({
    record,
    argumentsDigest: standing.run(record.runId)?.erased === 0 ? record.argumentsDigest : null,
    state,
    halt: intent?.stamp.halt ?? null,
    bundle: intent?.stamp.bundle ?? null,
    approvalId: intent?.approvalId ?? null,
    leaseId: intent?.leaseId ?? null,
    reservations: JSON.stringify(
      (intent?.reservations ?? []).map(({ key, dimension, amount }) => ({
        key,
        dimension,
        amount,
      })),
    ),
    at,
    replica: intent?.replica ?? null,
  });
}

/** False: the approval does not cover exactly this action, or no longer. */
function isCovered(tx: Ground, op: ActionAdmit, approvalId: string): boolean {
  const row = tx.rows.approval(approvalId);
  if (row === undefined || row.state !== 'approved' || row.expires_at <= op.at) return false;
  const { action } = op;
  const same =
    row.run_id === action.runId &&
    row.tool === action.tool &&
    row.tool_digest === action.toolDigest &&
    row.arguments_digest === action.argumentsDigest;
  return same && !isHaltedSince(tx, row.halt, op.scopes, action.runId);
}

/** Turns what was reserved into what is spent, and the action into what became of it. */
function close(
  { rows, standing }: Ground,
  action: { readonly id: string; readonly runId: string },
  reservations: readonly Charge[],
  settlement: Settlement,
  posted: EffectVector | null,
  at: number,
): void {
  if (settlement.kind === 'running') {
    rows.runAction(action.id);
    standing.closed(action.id);
    return;
  }
  const isErased = standing.run(action.runId)?.erased !== 0;
  rows.closeAction(action.id, settlement.kind, at, isErased);
  standing.closed(action.id);
  for (const { key, dimension, amount } of reservations) {
    const spent = spentOf(settlement, posted?.[dimension] ?? amount, amount);
    standing.draw(key, dimension, spent, -amount);
  }
  if (settlement.kind === 'refused') standing.count(action.runId, 0, 1);
}

function requireReserved(
  { standing }: Ground,
  reservations: readonly Charge[],
  settlement: Settlement,
  posted: EffectVector | null,
): void {
  for (const { key, dimension, amount } of reservations) {
    const spent = spentOf(settlement, posted?.[dimension] ?? amount, amount);
    requireCount(spent, 'what was spent of', dimension);
    if (standing.used(key, dimension).pending < amount)
      throw fault(`the reservation of \`${dimension}\` is gone`);
  }
}

/** The truth even when it is more than was reserved: the next admission then finds the limit used up. */
function spentOf(settlement: Settlement, posted: number, amount: number): number {
  if (settlement.kind === 'done') return posted;
  return settlement.kind === 'unknown' ? amount : 0;
}
