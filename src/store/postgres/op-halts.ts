import { type Halt, type HaltScope, partsOf } from '../../domain/halt.ts';
import type { HaltInert, HaltLift, HaltRaise, OpResults } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import {
  type AskRef,
  haltInert,
  haltLifted,
  haltRaised,
  tokenRevoked,
} from '../../ledger/record.ts';
import { refused } from '../ground.ts';
import { together } from './load.ts';
import { voidAsks } from './op-approvals.ts';
import type { Transaction } from './transaction.ts';

/** Live runs that are, or descend from, a run with this id or of this agent. */
const liveUnder = (test: 'id' | 'agent') => ({
  name: `live-under-${test}`,
  text: `WITH RECURSIVE under AS (
      SELECT id, state FROM runs WHERE ${test} = $1
      UNION SELECT runs.id, runs.state FROM under JOIN runs ON runs.parent = under.id)
    SELECT id FROM under WHERE state = 'live' ORDER BY id`,
});
const LIVE_UNDER_RUN = liveUnder('id');
const LIVE_UNDER_AGENT = liveUnder('agent');
const LIVE = { name: 'live', text: `SELECT id FROM runs WHERE state = 'live' ORDER BY id` };

const openAsks = (name: string, where: string) => ({
  name,
  text: `SELECT id AS "approvalId", action_id AS "actionId", run_id AS "runId" FROM approvals
    WHERE state IN ('pending', 'approved') AND ${where} ORDER BY run_id, id`,
});
const ASKS_OF_RUNS = openAsks('asks-of-runs', 'run_id = ANY ($1)');
const ASKS_OF_TOOL = openAsks('asks-of-tool', 'tool = $1');
const ASKS_OF_CONNECTION = openAsks('asks-of-connection', 'connection = $1');

const NUMBER = { name: 'number', text: 'UPDATE control SET halt = $1 WHERE id = 1' };
const RAISE = {
  name: 'raise',
  text: `INSERT INTO halts (epoch, scope, reason, raised_by, at, state)
    VALUES ($1, $2, $3, $4, $5, 'gated')`,
};
const INERT = {
  name: 'inert',
  text: `UPDATE halts SET state = 'inert' WHERE epoch = $1 AND scope = $2 AND state = 'gated'`,
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

export async function raise(tx: Transaction, op: HaltRaise): Promise<OpResults['halt.raise']> {
  const epoch = tx.standing.control().halt + 1;
  // everybody waits for this: what does not hang on an answer is sent with the rest
  const [runs] = await together([
    runsIn(tx, op.scope),
    tx.run(NUMBER, epoch),
    tx.run(RAISE, epoch, op.scope, op.reason, op.by, op.at),
    tx.notify('halt'),
  ]);
  const asks = await openAsksIn(tx, op.scope, runs);
  await tx.lock(...runs, ...asks.map(({ runId }) => runId), SYSTEM_CHAIN);
  const [, tokens] = await together([
    voidAsks(tx, asks, { cause: 'halt', halt: epoch, because: op.reason, at: op.at }),
    revokeRunTokens(tx, runs, op.at, 'halt'),
  ]);
  tx.chains.append(haltRaised(op, { epoch, voided: asks.length, tokens }));
  const { scope, reason, by, at } = op;
  const halt: Halt = { scope, epoch, reason, by, at, state: 'gated' };
  return { ok: true, halt, voided: asks.map(({ approvalId }) => approvalId), tokens };
}

export async function inert(tx: Transaction, op: HaltInert): Promise<OpResults['halt.inert']> {
  const [, changed] = await together([tx.lock(SYSTEM_CHAIN), tx.run(INERT, op.epoch, op.scope)]);
  if (changed === 0) return refused('moved');
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
  await tx.notify('halt');
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
  const revoked = await tx.all<{ hash: string; subject: string }>(REVOKE, runs);
  for (const { hash, subject } of revoked.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)))
    tx.chains.append(tokenRevoked(hash, subject, at, cause));
  return revoked.length;
}

function openAsksIn(tx: Transaction, scope: HaltScope, runs: readonly string[]): Promise<AskRef[]> {
  const [kind, name] = partsOf(scope);
  if (kind === 'tool') return tx.all<AskRef>(ASKS_OF_TOOL, name);
  if (kind === 'connection') return tx.all<AskRef>(ASKS_OF_CONNECTION, name);
  return openAsksOf(tx, runs);
}

/** Live runs whose tokens a halt of this scope ends, sub-runs included; none where only some of their calls stop. */
async function runsIn(tx: Transaction, scope: HaltScope): Promise<string[]> {
  const [kind, name] = partsOf(scope);
  if (kind !== 'all' && kind !== 'run' && kind !== 'agent') return [];
  const rows =
    kind === 'all'
      ? await tx.all<{ id: string }>(LIVE)
      : await tx.all<{ id: string }>(kind === 'run' ? LIVE_UNDER_RUN : LIVE_UNDER_AGENT, name);
  return rows.map(({ id }) => id);
}
