import { type Halt, type HaltScope, partsOf } from '../../domain/halt.ts';
import type { HaltInert, HaltLift, HaltRaise, OpResults } from '../../domain/ops.ts';
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
import type { LeaseRow } from '../owned.ts';
import type { LiveRow } from '../tree.ts';
import { controlOf, type Transaction } from './transaction.ts';

/** Live runs that are, or descend from, a run with this id or of this agent. */
const LIVE_UNDER = (test: 'id' | 'agent'): string => `
  WITH RECURSIVE up (run, node) AS (
    SELECT id, id FROM runs WHERE state = 'live'
    UNION SELECT up.run, runs.parent FROM up JOIN runs ON runs.id = up.node
      WHERE runs.parent IS NOT NULL)
  SELECT DISTINCT up.run AS run FROM up JOIN runs ON runs.id = up.node WHERE runs.${test} = ?`;
const LIVE_UNDER_RUN = LIVE_UNDER('id');
const LIVE_UNDER_AGENT = LIVE_UNDER('agent');

export function raise(tx: Transaction, op: HaltRaise): OpResults['halt.raise'] {
  const epoch = controlOf(tx).halt + 1;
  tx.database.run('UPDATE control SET halt = ? WHERE id = 1', epoch);
  tx.database.run(
    `INSERT INTO halts (epoch, scope, reason, raised_by, at, state) VALUES (?, ?, ?, ?, ?, 'gated')`,
    epoch,
    op.scope,
    op.reason,
    op.by,
    op.at,
  );
  const asks = openAsksIn(tx, op.scope);
  voidAsks(tx, asks, { cause: 'halt', halt: epoch, because: op.reason, at: op.at });
  const tokens = revokeRunTokensIn(tx, op.scope, op.at);
  tx.chains.append(haltRaised(op, { epoch, voided: asks.length, tokens }));
  const halt: Halt = {
    scope: op.scope,
    epoch,
    reason: op.reason,
    by: op.by,
    at: op.at,
    state: 'gated',
  };
  return {
    ok: true,
    halt,
    voided: asks.map(({ approvalId }) => approvalId),
    tokens,
    alive: alive(tx),
  };
}

const RUN = 'SELECT id, agent, parent, acts_for FROM runs';
const ALIVE = `state IN ('minting', 'live', 'revoking')`;

function alive({ database }: Transaction): OpResults['halt.raise']['alive'] {
  return aliveOf(
    database.all<LiveRow>(`${RUN} WHERE state = 'live' ORDER BY id`),
    database.all<LeaseRow>(`SELECT id, run_id, agent, connection, issuer, handle, revocability,
      state, minted_at, expires_at, replica FROM leases WHERE ${ALIVE} ORDER BY id`),
    database.all<LiveRow>(`${RUN} WHERE state <> 'live'
      AND id IN (SELECT run_id FROM leases WHERE ${ALIVE}) ORDER BY id`),
  );
}

export function inert(tx: Transaction, op: HaltInert): OpResults['halt.inert'] {
  const left = tx.database.all(
    `SELECT 1 FROM leases WHERE ${ALIVE} AND id IN (SELECT value FROM json_each(?)) LIMIT 1`,
    JSON.stringify(op.leases),
  );
  if (left.length > 0) return refused('alive');
  const changed = tx.database.run(
    `UPDATE halts SET state = 'inert' WHERE epoch = ? AND scope = ? AND state = 'gated'`,
    op.epoch,
    op.scope,
  );
  if (changed === 0) return refused('moved');
  tx.chains.append(haltInert(op));
  return { ok: true };
}

export function lift(tx: Transaction, op: HaltLift): OpResults['halt.lift'] {
  const lifted = tx.database.all<HaltRow>(
    `UPDATE halts SET state = 'lifted' WHERE scope = ? AND state <> 'lifted' AND epoch <= ?
     RETURNING epoch, scope, reason, raised_by, at, state`,
    op.scope,
    op.upTo ?? Number.MAX_SAFE_INTEGER,
  );
  const newest = lifted.toSorted((a, b) => b.epoch - a.epoch)[0];
  if (newest === undefined) return refused('missing');
  const epoch = controlOf(tx).halt + 1;
  tx.database.run('UPDATE control SET halt = ? WHERE id = 1', epoch);
  tx.chains.append(
    haltLifted(op, { epoch, lifted: lifted.map((halt) => halt.epoch).toSorted((a, b) => a - b) }),
  );
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

/** Voids the asks, each with a record in its run's chain. */
export function voidAsks(
  tx: Transaction,
  asks: readonly AskRef[],
  why: Parameters<typeof approvalVoided>[1],
): void {
  for (const ask of asks) {
    tx.database.run(`UPDATE approvals SET state = 'void' WHERE id = ?`, ask.approvalId);
    tx.chains.append(approvalVoided(ask, why));
  }
}

const OPEN_ASKS = `SELECT id AS approvalId, action_id AS actionId, run_id AS runId FROM approvals
  WHERE state IN ('pending', 'approved')`;

export function openAsksOfRun({ database }: Transaction, runId: string): AskRef[] {
  return database.all<AskRef>(`${OPEN_ASKS} AND run_id = ? ORDER BY id`, runId);
}

function openAsksIn(tx: Transaction, scope: HaltScope): AskRef[] {
  const [kind, name] = partsOf(scope);
  switch (kind) {
    case 'tool':
      return tx.database.all<AskRef>(`${OPEN_ASKS} AND tool = ? ORDER BY id`, name);
    case 'connection':
      return tx.database.all<AskRef>(`${OPEN_ASKS} AND connection = ? ORDER BY id`, name);
    default:
      return runsIn(tx, scope).flatMap((run) => openAsksOfRun(tx, run));
  }
}

function revokeRunTokensIn(tx: Transaction, scope: HaltScope, at: number): number {
  return runsIn(tx, scope).reduce((sum, run) => sum + revokeRunTokens(tx, run, at, 'halt'), 0);
}

/** Revokes the run's tokens, each with a record in its chain, and says how many. */
export function revokeRunTokens(
  tx: Transaction,
  runId: string,
  at: number,
  cause: 'halt' | 'run-ended',
): number {
  const revoked = tx.database.all<{ hash: string }>(
    `UPDATE tokens SET revoked = 1 WHERE kind = 'run' AND subject = ? AND revoked = 0
     RETURNING hash`,
    runId,
  );
  for (const { hash } of revoked.toSorted((a, b) => (a.hash < b.hash ? -1 : 1)))
    tx.chains.append(tokenRevoked(hash, runId, at, cause));
  return revoked.length;
}

/** Live runs whose tokens a halt of this scope ends, sub-runs included; none where only some of their calls stop. */
function runsIn({ database }: Transaction, scope: HaltScope): string[] {
  const [kind, name] = partsOf(scope);
  if (kind === 'all')
    return database
      .all<{ run: string }>(`SELECT id AS run FROM runs WHERE state = 'live' ORDER BY id`)
      .map(({ run }) => run);
  if (kind !== 'run' && kind !== 'agent') return [];
  const rows = database.all<{ run: string }>(
    kind === 'run' ? LIVE_UNDER_RUN : LIVE_UNDER_AGENT,
    name,
  );
  return rows.map(({ run }) => run);
}
