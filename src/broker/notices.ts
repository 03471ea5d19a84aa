import type { Timers } from '../domain/doors.ts';
import type { StopSignal } from '../domain/stop.ts';

/**
 * Wakes whoever waits for a key (`ask:ID`, `run:ID`, `bundle`). A notice carries nothing: who wakes reads the store
 * again, so a lost or spurious one costs time and never truth.
 */
export class Notices {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #timers: Timers;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  notify(key: string): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const wake of waiting ?? []) wake();
  }

  /** Everybody looks again. */
  wakeAll(): void {
    for (const key of [...this.#waiting.keys()]) this.notify(key);
  }

  /** Resolves at the next notice of `key`, after `ms`, or when `signal` aborts; never rejects. */
  wait(key: string, ms: number, signal?: StopSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(key) ?? new Set();
      this.#waiting.set(key, waiting);
      const wake = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', wake);
        waiting.delete(wake);
        if (waiting.size === 0 && this.#waiting.get(key) === waiting) this.#waiting.delete(key);
        resolve();
      };
      const timer = this.#timers.after(ms, wake);
      signal?.addEventListener('abort', wake, { once: true });
      waiting.add(wake);
    });
  }
}
