import { SignalboxError } from '../../domain/errors.ts';
import type { Refused } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import type { Chains } from './chains.ts';
import type { Database } from './database.ts';

/** What every op works on. A thrown fault or a refusal takes the op back whole; the other ops of the batch stand. */
export interface Transaction {
  readonly database: Database;
  readonly chains: Chains;
}

export interface Control {
  /** The store's halt number. */
  readonly halt: number;
  /** Digest of the active bundle. */
  readonly bundle: string;
}

/** What the store looks at of a run before it lets it do anything. */
export interface RunGate {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly agent: string;
  readonly state: 'live' | 'ended';
  readonly expires_at: number;
  readonly erased: number;
}

export function controlOf({ database }: Transaction): Control {
  const control = database.one<Control>('SELECT halt, bundle FROM control WHERE id = 1');
  if (control === undefined) throw fault('the store has no control row');
  return control;
}

export function runGate({ database }: Transaction, id: string): RunGate | undefined {
  return database.one<RunGate>(
    'SELECT id, root, parent, agent, state, expires_at, erased FROM runs WHERE id = ?',
    id,
  );
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
export function requireCount(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw fault(`${what} is \`${String(value)}\`, expected a non-negative integer`);
}
