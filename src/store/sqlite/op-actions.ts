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
import {
  declineRecorded,
  intentRecorded,
  markRecorded,
  outcomeRecorded,
  parkRecorded,
} from '../../ledger/record-action.ts';
import { openAskOf, useApproval, withoutContent } from './op-approvals.ts';
import { isHalted, isHaltedSince } from './op-halts.ts';
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

/** What of a reservation a settlement keeps. */
type Charge = Pick<Reservation, 'key' | 'dimension' | 'amount'>;

export function admit(tx: Transaction, op: ActionAdmit): OpResults['action.admit'] {
  const { action } = op;
  const run = runGate(tx, action.runId);
  if (run?.state !== 'live' || run.expires_at <= op.at) return refused('run-over');
  requireOwn(run, action);
  if (op.outcome !== null && action.decision.nature.class !== 'read')
    throw fault(`\`${action.tool}\` is no read: its intent must be durable before its outcome`);
  const control = controlOf(tx);
  if (control.halt !== op.stamp.halt || control.bundle !== op.stamp.bundle) return refused('stale');
  if (isHalted(tx, op.scopes, run.id)) return refused('stale');
  if (op.approvalId !== null && !useApproval(tx, op, op.approvalId))
    return refused('approval-gone');
  requireDistinct(op.reservations);
  if (!op.reservations.every((reservation) => reserve(tx, reservation))) return refused('short');
  insert(tx, run, action, 'open', op.at, op);
  for (const event of intentRecorded(op)) tx.chains.append(event);
  if (op.outcome !== null) {
    const { settlement, posted } = op.outcome;
    close(tx, action.id, op.reservations, settlement, posted, op.at);
  }
  return { ok: true };
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
  const reservations = JSON.parse(action.reservations) as Charge[];
  close(tx, op.actionId, reservations, op.settlement, op.posted, op.at);
  tx.chains.append(outcomeRecorded(op));
  return { ok: true };
}

export function decline(tx: Transaction, op: ActionDecline): OpResults['action.decline'] {
  const run = runGate(tx, op.action.runId);
  // A run past its time may still be told no, and that is evidence; an ended one says nothing more.
  if (run?.state !== 'live') return refused('run-over');
  requireOwn(run, op.action);
  insert(tx, run, op.action, op.as, op.at, null);
  tx.chains.append(declineRecorded(op));
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
  insert(tx, run, action, 'parked', op.at, null);
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

interface ActionRow {
  readonly run_id: string;
  readonly state: string;
  readonly halt: number | null;
  readonly reservations: string;
}

function requireAction({ database }: Transaction, id: string, runId: string): ActionRow {
  const action = database.one<ActionRow>(
    'SELECT run_id, state, halt, reservations FROM actions WHERE id = ?',
    id,
  );
  if (action?.run_id !== runId)
    throw fault(`action \`${id}\` of run \`${runId}\` was never admitted`);
  return action;
}

function requireOwn(run: RunGate, action: ActionRecord): void {
  if (run.root !== action.root || run.agent !== action.agent)
    throw fault(`action \`${action.id}\` names another root or agent than its run`);
}

function requireDistinct(reservations: readonly Reservation[]): void {
  const seen = new Set(reservations.map(({ key, dimension }) => `${key}\n${dimension}`));
  if (seen.size !== reservations.length) throw fault('the same limit is reserved twice');
}

/** False when it does not fit. */
function reserve({ database }: Transaction, reservation: Reservation): boolean {
  const { key, dimension, amount, limit } = reservation;
  requireCount(amount, `the amount of \`${dimension}\``);
  requireCount(limit, `the limit of \`${dimension}\``);
  return (
    database.run(
      `INSERT INTO usage (key, dimension, posted, pending) SELECT ?1, ?2, 0, ?3 WHERE ?3 <= ?4
       ON CONFLICT DO UPDATE SET pending = pending + ?3 WHERE posted + pending + ?3 <= ?4`,
      key,
      dimension,
      amount,
      limit,
    ) === 1
  );
}

function insert(
  { database }: Transaction,
  run: RunGate,
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
    run.erased === 1 ? null : action.argumentsDigest,
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
  // Counted here because an index by run would make every admission write a page of its own.
  database.run(
    'UPDATE runs SET actions = actions + 1, refused = refused + ? WHERE id = ?',
    state === 'denied' ? 1 : 0,
    run.id,
  );
}

/** Turns what was reserved into what is spent, and the action into what became of it. */
function close(
  { database }: Transaction,
  actionId: string,
  reservations: readonly Charge[],
  settlement: Settlement,
  posted: EffectVector | null,
  at: number,
): void {
  if (settlement.kind === 'running') {
    database.run(`UPDATE actions SET state = 'running' WHERE id = ?`, actionId);
    return;
  }
  for (const { key, dimension, amount } of reservations) {
    const spent = spentOf(settlement, posted?.[dimension] ?? amount, amount);
    requireCount(spent, `what was spent of \`${dimension}\``);
    const changed = database.run(
      'UPDATE usage SET posted = posted + ?, pending = pending - ? WHERE key = ? AND dimension = ?',
      spent,
      amount,
      key,
      dimension,
    );
    if (changed !== 1) throw fault(`the reservation of \`${dimension}\` is gone`);
  }
  database.run(
    `UPDATE actions SET state = ?, settled_at = ?,
       trace = CASE (SELECT erased FROM runs WHERE id = run_id) WHEN 0 THEN trace END WHERE id = ?`,
    settlement.kind,
    at,
    actionId,
  );
  if (settlement.kind === 'refused')
    database.run(
      `UPDATE runs SET refused = refused + 1
       WHERE id = (SELECT run_id FROM actions WHERE id = ?)`,
      actionId,
    );
}

/** The truth even when it is more than was reserved: the next admission then finds the limit used up. */
function spentOf(settlement: Settlement, posted: number, amount: number): number {
  if (settlement.kind === 'done') return posted;
  return settlement.kind === 'unknown' ? amount : 0;
}
