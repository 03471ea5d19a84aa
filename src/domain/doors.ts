/**
 * The few doors through which the outside enters: time, randomness, timers.
 * Everything else takes them by construction, so a simulator can drive production code.
 */

/** Wall time in milliseconds since the epoch, and a monotonic reading in milliseconds. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

/** Unpredictable bytes, and ids that sort by time of making (`run_…`, `act_…`). */
export interface Entropy {
  bytes(length: number): Uint8Array;
  id(prefix: string): string;
}

export interface Timer {
  cancel(): void;
}

/** Timers never keep the process alive. */
export interface Timers {
  after(ms: number, run: () => void): Timer;
  every(ms: number, run: () => void): Timer;
}

export interface Doors {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly timers: Timers;
}
