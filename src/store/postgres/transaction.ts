import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Ground } from '../ground.ts';
import type { Seals } from '../signer.ts';
import type { Chains } from './chains.ts';
import type { Picture } from './picture.ts';
import type { Statement } from './session.ts';

/** The ground of the common ops, and the connection itself for the others, which run in a savepoint of their own. */
export interface Transaction extends Ground {
  readonly chains: Chains;
  readonly standing: Picture;
  readonly rows: Picture;
  readonly seals: Seals;
  all<R>(statement: Statement, ...values: readonly unknown[]): Promise<R[]>;
  one<R>(statement: Statement, ...values: readonly unknown[]): Promise<R | undefined>;
  /** Number of rows changed. */
  run(statement: Statement, ...values: readonly unknown[]): Promise<number>;
  /** Sent, and waited for with the commit: what it says changes nothing here. Its failure is one of the whole batch. */
  send(statement: Statement, ...values: readonly unknown[]): void;
  /** Sends what was gathered so far, so that later SQL sees it. */
  flush(): void;
  /** Locks chains that no place of the op named: the system's; any, when the batch is alone. */
  lock(...chains: readonly string[]): Promise<void>;
  /** Tells the other replicas once this is committed. */
  notify(key: string): void;
}

/** The run's own chain, or the system's when there is no such run; locked either way. */
export async function chainFor(tx: Transaction, runId: string): Promise<string> {
  if (tx.standing.run(runId) !== undefined) return runId;
  await tx.lock(SYSTEM_CHAIN);
  return SYSTEM_CHAIN;
}
