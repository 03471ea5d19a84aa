import type { EffectVector } from '../../domain/effect.ts';
import { scopesOf } from '../../domain/halt.ts';
import type {
  ActionAdmit,
  ActionDecline,
  ActionMark,
  ActionPark,
  ActionRecord,
  ActionSettle,
  OpResults,
  Reservation,
} from '../../domain/ops.ts';
import type { Settlement } from '../../domain/proposal.ts';
import { isJointRead } from '../../ledger/read-record.ts';
import {
  declineRecorded,
  intentRecorded,
  markRecorded,
  outcomeRecorded,
  parkRecorded,
} from '../../ledger/record-action.ts';
import { isCovered, openAskOf, useApproval, withoutContent } from './op-approvals.ts';
import { isHalted, isHaltedSince } from './op-halts.ts';
import { type PreparedRead, preparedRead } from './prepared-read.ts';
import type { ActionGate, Charge } from './standing.ts';
import {
  controlOf,
  fault,
  type RunGate,
  refused,
  requireCount,
  runGate,
  type Transaction,
} from './transaction.ts';

/**
 * Life of an action row:
 *   open → running → done | failed | refused | unknown     an intent and its outcome
 *   denied | drafted | parked                              never an intent; written once
 */
type Begun = 'open' | 'denied' | 'drafted' | 'parked';

/*
 * `admit`, `admitRead`, `mark`, `settle` and `decline` look first and write after: what they refuse has written nothing,
 * so they need no savepoint (core.ts). What is drawn and counted goes last, when no statement can fail any more.
 */

export function admit(tx: Transaction, op: ActionAdmit): OpResults['action.admit'] {
  if (isJointRead(op)) return admitRead(tx, preparedRead(op));
  const { action } = op;
  if (op.outcome !== null && action.decision.nature.class !== 'read')
    throw fault(`\`${action.tool}\` is no read: its intent must be durable before its outcome`);
  const stopped = gate(tx, { ...action, stamp: op.stamp, scopes: op.scopes, at: op.at });
  if (stopped !== null) return refused(stopped);
  if (op.approvalId !== null && !isCovered(tx, op, op.approvalId)) return refused('approval-gone');
  if (!haveRoom(tx, op.reservations)) return refused('short');
  if (op.approvalId !== null) useApproval(tx, action.id, op.approvalId);
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
export function admitRead(tx: Transaction, read: PreparedRead): OpResults['action.admit'] {
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
function gate(tx: Transaction, one: Gated): 'run-over' | 'stale' | null {
  const run = runGate(tx, one.runId);
  if (run?.state !== 'live' || run.expires_at <= one.at) return 'run-over';
  requireOwn(run, one);
  const control = controlOf(tx);
  if (control.halt !== one.stamp.halt || control.bundle !== one.stamp.bundle) return 'stale';
  return isHalted(tx, one.scopes, run.id) ? 'stale' : null;
}

export function mark(tx: Transaction, op: ActionMark): OpResults['action.mark'] {
  const action = requireAction(tx, op.actionId, op.runId);
  if (action.state !== 'open' && action.state !== 'running') return refused('settled');
  if (isHaltedSince(tx, action.halt ?? 0, op.scopes, op.runId)) return refused('halted');
  tx.database.run(
    'UPDATE actions SET trace = ?, lease_id = coalesce(?, lease_id) WHERE id = ?',
    JSON.stringify(op.trace),
    op.leaseId,
    op.actionId,
  );
  tx.chains.append(markRecorded(op));
  return { ok: true };
}

export function settle(tx: Transaction, op: ActionSettle): OpResults['action.settle'] {
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

export function decline(tx: Transaction, op: ActionDecline): OpResults['action.decline'] {
  const run = runGate(tx, op.action.runId);
  // A run past its time may still be told no, and that is evidence; an ended one says nothing more.
  if (run?.state !== 'live') return refused('run-over');
  requireOwn(run, op.action);
  insert(tx, op.action, op.as, op.at, null);
  tx.chains.append(declineRecorded(op));
  tx.standing.count(run.id, 1, op.as === 'denied' ? 1 : 0);
  return { ok: true };
}

export function park(tx: Transaction, op: ActionPark): OpResults['action.park'] {
  const { action, approval } = op;
  const run = runGate(tx, action.runId);
  if (run?.state !== 'live' || run.expires_at <= op.at) return refused('run-over');
  requireOwn(run, action);
  if (approval.actionId !== action.id || approval.binding.runId !== action.runId)
    throw fault(`approval \`${approval.id}\` is not for action \`${action.id}\``);
  const scopes = scopesOf({ run, tool: action.tool, connection: action.connection });
  if (isHaltedSince(tx, approval.binding.halt, scopes, run.id)) return refused('stale');
  const open = openAskOf(tx, op.askKey, op.at);
  if (open !== null) return { ...refused('open'), approvalId: open };
  insert(tx, action, 'parked', op.at, null);
  tx.standing.count(run.id, 1, 0);
  const seq = tx.chains.append(parkRecorded(op));
  const { binding } = approval;
  const erased = run.erased === 1;
  tx.database.run(
    `INSERT INTO approvals (id, run_id, action_id, agent, tool, tool_digest, connection,
       arguments_digest, ask_key, binding, digest, halt, state, asked_at, expires_at, seq)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?)`,
    approval.id,
    action.runId,
    action.id,
    approval.agent,
    binding.tool,
    binding.toolDigest,
    action.connection,
    erased ? null : binding.argumentsDigest,
    erased ? null : op.askKey,
    JSON.stringify(erased ? withoutContent(binding) : binding),
    approval.digest,
    binding.halt,
    approval.askedAt,
    binding.expiresAt,
    seq,
  );
  return { ok: true };
}

function requireAction({ standing }: Transaction, id: string, runId: string): ActionGate {
  const action = standing.action(id);
  if (action?.runId !== runId)
    throw fault(`action \`${id}\` of run \`${runId}\` was never admitted`);
  return action;
}

function requireOwn(run: RunGate, one: Pick<ActionRecord, 'runId' | 'root' | 'agent'>): void {
  if (run.root !== one.root || run.agent !== one.agent)
    throw fault(`an action of run \`${one.runId}\` names another root or agent than its run`);
}

/** False when one of them does not fit. */
function haveRoom({ standing }: Transaction, reservations: readonly Reservation[]): boolean {
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

function insert(
  { database, standing }: Transaction,
  action: ActionRecord,
  state: Begun,
  at: number,
  intent: ActionAdmit | null,
): void {
  database.run(
    `INSERT INTO actions (id, run_id, root, tool, tool_digest, connection, arguments_digest,
       purpose, state, halt, bundle, approval_id, lease_id, reservations, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    action.id,
    action.runId,
    action.root,
    action.tool,
    action.toolDigest,
    action.connection,
    standing.run(action.runId)?.erased === 0 ? action.argumentsDigest : null,
    action.purpose,
    state,
    intent?.stamp.halt ?? null,
    intent?.stamp.bundle ?? null,
    intent?.approvalId ?? null,
    intent?.leaseId ?? null,
    JSON.stringify(
      (intent?.reservations ?? []).map(({ key, dimension, amount }) => ({
        key,
        dimension,
        amount,
      })),
    ),
    at,
  );
}

/** Turns what was reserved into what is spent, and the action into what became of it. */
function close(
  { database, standing }: Transaction,
  action: { readonly id: string; readonly runId: string },
  reservations: readonly Charge[],
  settlement: Settlement,
  posted: EffectVector | null,
  at: number,
): void {
  if (settlement.kind === 'running') {
    database.run(`UPDATE actions SET state = 'running' WHERE id = ?`, action.id);
    standing.closed(action.id);
    return;
  }
  const isErased = standing.run(action.runId)?.erased !== 0;
  database.run(
    isErased
      ? 'UPDATE actions SET state = ?, settled_at = ?, trace = NULL WHERE id = ?'
      : 'UPDATE actions SET state = ?, settled_at = ? WHERE id = ?',
    settlement.kind,
    at,
    action.id,
  );
  standing.closed(action.id);
  for (const { key, dimension, amount } of reservations) {
    const spent = spentOf(settlement, posted?.[dimension] ?? amount, amount);
    standing.draw(key, dimension, spent, -amount);
  }
  if (settlement.kind === 'refused') standing.count(action.runId, 0, 1);
}

function requireReserved(
  { standing }: Transaction,
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
