import type { Dimension } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Refused } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Chains } from './chains.ts';
import type { Database } from './database.ts';
import type { Control, RunGate, Standing } from './standing.ts';

export type { Control, RunGate } from './standing.ts';

/** What every op works on. A thrown fault or a refusal takes the op back whole; the other ops of the batch stand. */
export interface Transaction {
  readonly database: Database;
  readonly chains: Chains;
  readonly standing: Standing;
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

export function refused<Why extends string>(because: Why): Refused<Why> {
  return { ok: false, because };
}

/** A caller's mistake: the op is taken back and its promise rejects; nothing else is touched. */
export function fault(message: string): SignalboxError {
  return new SignalboxError('INTERNAL', message);
}

/** Counts and limits: whole, not negative, and exact in both JavaScript and SQLite. */
export function requireCount(value: number, what: string, dimension: Dimension): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw fault(
      `${what} \`${dimension}\` is \`${String(value)}\`, expected a non-negative integer`,
    );
}
