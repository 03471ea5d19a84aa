import type { DrillRecord } from '../../domain/drill.ts';
import type { DrillBegin, DrillKeep, OpResults } from '../../domain/ops.ts';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import { drillBegun, drillKept } from '../../ledger/record.ts';
import { DRILL_TYPES, drillsOf, mayNotBegin } from '../drills.ts';
import { refused } from '../ground.ts';
import type { Database } from './database.ts';
import type { Transaction } from './transaction.ts';

const DRILL_EVENTS = `SELECT chain, seq, at, type, body, previous, hash FROM events
  WHERE type IN (${DRILL_TYPES.map((type) => `'${type}'`).join(', ')}) AND chain = '${SYSTEM_CHAIN}'
  ORDER BY seq DESC LIMIT ?`;

/** Newest first. A drill has two records at most. */
export function drillsIn(database: Database, limit: number): DrillRecord[] {
  return drillsOf(database.all<LedgerEvent>(DRILL_EVENTS, limit * 2)).slice(0, limit);
}

export function beginDrill(tx: Transaction, op: DrillBegin): OpResults['drill.begin'] {
  const [newest] = drillsIn(tx.database, 1);
  const why = mayNotBegin(newest, op);
  if (why !== null) return refused(why);
  tx.chains.append(drillBegun(op));
  return { ok: true };
}

export function keepDrill(tx: Transaction, op: DrillKeep): OpResults['drill.keep'] {
  const known = drillsIn(tx.database, 16).find(({ id }) => id === op.id);
  if (known === undefined || known.recorded !== null) return refused('missing');
  tx.chains.append(drillKept(op));
  return { ok: true };
}
