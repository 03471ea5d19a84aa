import type { DrillRecord } from '../../domain/drill.ts';
import type { DrillBegin, DrillKeep, OpResults } from '../../domain/ops.ts';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import { drillBegun, drillKept } from '../../ledger/record.ts';
import { DRILL_TYPES, drillsOf, mayNotBegin } from '../drills.ts';
import { refused } from '../ground.ts';
import type { Statement } from './session.ts';
import type { Transaction } from './transaction.ts';

/** By the index `events_of_drills`, whose condition this is. */
const DRILLS = {
  name: 'drills',
  text: `SELECT chain, seq, at, type, body, previous, hash FROM events
    WHERE type IN (${DRILL_TYPES.map((type) => `'${type}'`).join(', ')}) AND chain = $1
    ORDER BY seq DESC LIMIT $2`,
};

type All = (statement: Statement, values: readonly unknown[]) => Promise<LedgerEvent[]>;

/** Newest first. A drill has two records at most. */
export async function drillsIn(all: All, limit: number): Promise<DrillRecord[]> {
  return drillsOf(await all(DRILLS, [SYSTEM_CHAIN, limit * 2])).slice(0, limit);
}

export async function beginDrill(
  tx: Transaction,
  op: DrillBegin,
): Promise<OpResults['drill.begin']> {
  await tx.lock(SYSTEM_CHAIN);
  const [newest] = await drillsIn((statement, values) => tx.all(statement, ...values), 1);
  const why = mayNotBegin(newest, op);
  if (why !== null) return refused(why);
  tx.chains.append(drillBegun(op));
  return { ok: true };
}

export async function keepDrill(tx: Transaction, op: DrillKeep): Promise<OpResults['drill.keep']> {
  await tx.lock(SYSTEM_CHAIN);
  const drills = await drillsIn((statement, values) => tx.all(statement, ...values), 16);
  const known = drills.find(({ id }) => id === op.id);
  if (known === undefined || known.recorded !== null) return refused('missing');
  tx.chains.append(drillKept(op));
  return { ok: true };
}
