import { type Halt, noticeOf, partsOf } from '../../domain/halt.ts';
import type { HaltInert, HaltLift, HaltRaise, OpResults } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import {
  type AskRef,
  approvalVoided,
  haltInert,
  haltLifted,
  haltRaised,
  tokenRevoked,
} from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { aliveOf } from '../halted.ts';
import { together } from './load.ts';
import { ALIVE, QUIET, type Raised, raising } from './raising.ts';
import type { Transaction } from './transaction.ts';

const NUMBER = { name: 'number', text: 'UPDATE control SET halt = $1 WHERE id = 1' };
/** Of another replica that the store heard of lately: what it flew may still be landing. */
const FLYING = `EXISTS (SELECT FROM replicas WHERE id <> $4 AND landed < $1
    AND ${QUIET} <= $5 * interval '1 millisecond')`;
const INERT = {
  name: 'inert',
  text: `UPDATE halts SET state = 'inert' WHERE epoch = $1 AND scope = $2 AND state = 'gated'
    AND NOT EXISTS (SELECT FROM leases WHERE id = ANY ($3) AND ${ALIVE}) AND NOT ${FLYING}`,
};
const IS_GATED = {
  name: 'is-gated',
  text: `SELECT EXISTS (SELECT FROM leases WHERE id = ANY ($3) AND ${ALIVE}) AS alive FROM halts
    WHERE epoch = $1 AND scope = $2 AND state = 'gated'`,
};
const ASKS_OF_RUNS = {
  name: 'asks-of-runs',
  text: `SELECT id AS "approvalId", action_id AS "actionId", run_id AS "runId" FROM approvals
    WHERE state IN ('pending', 'approved') AND run_id = ANY ($1) ORDER BY run_id, id`,
};
const LIFT = {
  name: 'lift',
  text: `UPDATE halts SET state = 'lifted' WHERE scope = $1 AND state <> 'lifted' AND epoch <= $2
    RETURNING epoch, scope, reason, raised_by, at, state`,
};
const REVOKE = {
  name: 'revoke-run-tokens',
  text: `UPDATE tokens SET revoked = 1 WHERE kind = 'run' AND subject = ANY ($1) AND revoked = 0
    RETURNING hash, subject`,
};

/** Everybody waits for this: one statement, sent with those that take the gate, behind which nobody else writes. */
export async function raise(tx: Transaction, op: HaltRaise): Promise<OpResults['halt.raise']> {
  const { scope, reason, by, at } = op;
  const [kind, name] = partsOf(scope);
  const raised = tx.one<Raised>(raising(kind), name, scope, reason, by, at);
  const found = await raised;
  if (found === undefined) throw new Error('the store has no control row');
  tx.chains.locked(found.heads ?? []);
  tx.chains.unlock(found.keys ?? []);
  const { epoch } = found;
  tx.notify(noticeOf({ epoch, scope }));
  const asks = (found.asks ?? []).toSorted(byRun);
  for (const ask of asks) {
    tx.chains.append(approvalVoided(ask, { cause: 'halt', halt: epoch, because: reason, at }));
    tx.notify(`ask:${ask.approvalId}`);
  }
  const tokens = found.tokens ?? [];
  recordRevoked(tx, tokens, at, 'halt');
  tx.chains.append(haltRaised(op, { epoch, voided: asks.length, tokens: tokens.length }));
  const halt: Halt = { scope, epoch, reason, by, at, state: 'gated' };
  return {
    ok: true,
    halt,
    voided: asks.map(({ approvalId }) => approvalId),
    tokens: tokens.length,
    alive: aliveOf(found.live ?? [], found.leases ?? [], found.ended ?? []),
  };
}

function byRun(a: AskRef, b: AskRef): number {
  return `${a.runId} ${a.approvalId}` < `${b.runId} ${b.approvalId}` ? -1 : 1;
}

export async function inert(tx: Transaction, op: HaltInert): Promise<OpResults['halt.inert']> {
  const { epoch, scope, leases, replica = '', heardMs } = op;
  const [, changed, [gated]] = await together([
    tx.lock(SYSTEM_CHAIN),
    tx.run(INERT, epoch, scope, leases, replica, heardMs),
    tx.all<{ alive: boolean }>(IS_GATED, epoch, scope, leases),
  ]);
  if (changed === 0)
    return refused(gated === undefined ? 'moved' : gated.alive ? 'alive' : 'flying');
  tx.chains.append(haltInert(op));
  return { ok: true };
}

export async function lift(tx: Transaction, op: HaltLift): Promise<OpResults['halt.lift']> {
  await tx.lock(SYSTEM_CHAIN);
  const lifted = await tx.all<HaltRow>(LIFT, op.scope, op.upTo ?? Number.MAX_SAFE_INTEGER);
  const newest = lifted.toSorted((a, b) => b.epoch - a.epoch)[0];
  if (newest === undefined) return refused('missing');
  const epoch = tx.standing.control().halt + 1;
  await tx.run(NUMBER, epoch);
  const numbers = lifted.map((halt) => halt.epoch).toSorted((a, b) => a - b);
  tx.chains.append(haltLifted(op, { epoch, lifted: numbers }));
  tx.notify('halt');
  return { ok: true, halt: haltOf(newest) };
}

export interface HaltRow {
  readonly epoch: number;
  readonly scope: string;
  readonly reason: string;
  readonly raised_by: string;
  readonly at: number;
  readonly state: Halt['state'];
}

export function haltOf(row: HaltRow): Halt {
  const { epoch, scope, reason, at, state } = row;
  return { scope, epoch, reason, by: row.raised_by, at, state };
}

export function openAsksOf(tx: Transaction, runs: readonly string[]): Promise<AskRef[]> {
  return tx.all<AskRef>(ASKS_OF_RUNS, runs);
}

/** Revokes the runs' tokens, each with a record in its chain, which must be locked, and says how many. */
export async function revokeRunTokens(
  tx: Transaction,
  runs: readonly string[],
  at: number,
  cause: 'halt' | 'run-ended',
): Promise<number> {
  if (runs.length === 0) return 0;
  const revoked = await tx.all<RevokedToken>(REVOKE, runs);
  recordRevoked(tx, revoked, at, cause);
  return revoked.length;
}

interface RevokedToken {
  readonly hash: string;
  readonly subject: string;
}

function recordRevoked(
  tx: Transaction,
  revoked: readonly RevokedToken[],
  at: number,
  cause: 'halt' | 'run-ended',
): void {
  for (const { hash, subject } of revoked.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)))
    tx.chains.append(tokenRevoked(hash, subject, at, cause));
}
