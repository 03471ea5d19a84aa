/** The volume service's own record of who asked for what and what came of it, by its own clock. */
import { performance } from 'node:perf_hooks';

export type CallEffect = 'none' | 'read' | 'backup_created' | 'backup_deleted' | 'volume_deleted';

export interface Call {
  readonly seq: number;
  /** Arrival: ISO 8601, and milliseconds since 1970 with fractions. */
  readonly at: string;
  readonly atMs: number;
  /** When the answer was ready, and so its effect complete. */
  readonly doneMs: number;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly effect: CallEffect;
  /** The caller's `Idempotency-Key`, to match a call with its cause. Never acted on. */
  readonly key: string | null;
}

export interface Counters {
  readonly calls: number;
  /** Calls without the token, or with a wrong one. */
  readonly unauthorised: number;
  readonly reads: number;
  readonly backupsCreated: number;
  readonly backupsDeleted: number;
  readonly volumesDeleted: number;
}

const MAX_KEPT = 10_000;

/**
 * The service's clock: it never goes back, and is finer than a millisecond. Compare its readings
 * with each other, or with this function in another process, rather than with `Date.now()`.
 */
export function nowMs(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1_000) / 1_000;
}

export class CallLog {
  readonly #calls: Call[] = [];
  #seq = 0;
  #unauthorised = 0;
  readonly #effects = new Map<CallEffect, number>();

  /** The counters never forget; of the calls themselves the latest 10,000 are kept. */
  add(call: Omit<Call, 'seq' | 'at' | 'doneMs'>): void {
    this.#seq += 1;
    if (call.status === 401) this.#unauthorised += 1;
    this.#effects.set(call.effect, this.#count(call.effect) + 1);
    const at = new Date(call.atMs).toISOString();
    this.#calls.push({ seq: this.#seq, at, doneMs: nowMs(), ...call });
    if (this.#calls.length > MAX_KEPT) this.#calls.shift();
  }

  /** The calls that arrived at `ms` or later, in the order in which they were answered. */
  since(ms: number): Call[] {
    return this.#calls.filter((call) => call.atMs >= ms);
  }

  counters(): Counters {
    return {
      calls: this.#seq,
      unauthorised: this.#unauthorised,
      reads: this.#count('read'),
      backupsCreated: this.#count('backup_created'),
      backupsDeleted: this.#count('backup_deleted'),
      volumesDeleted: this.#count('volume_deleted'),
    };
  }

  #count(effect: CallEffect): number {
    return this.#effects.get(effect) ?? 0;
  }
}
