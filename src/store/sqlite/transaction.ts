import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Control, Ground, RunGate } from '../ground.ts';
import type { Chains } from './chains.ts';
import type { Database } from './database.ts';
import type { SqliteSeals } from './op-seal.ts';
import type { Rows } from './rows.ts';
import type { Standing } from './standing.ts';

/** The ground of the common ops, and under it the connection itself for the others. */
export interface Transaction extends Ground {
  readonly database: Database;
  readonly chains: Chains;
  readonly standing: Standing;
  readonly rows: Rows;
  readonly seals: SqliteSeals;
}

export function controlOf({ standing }: Transaction): Control {
  return standing.control();
}

export function runGate({ standing }: Transaction, id: string): RunGate | undefined {
  return standing.run(id);
}

/** The run's own chain, or the system's when there is no such run. */
export function chainFor(tx: Transaction, runId: string): string {
  return runGate(tx, runId) === undefined ? SYSTEM_CHAIN : runId;
}
