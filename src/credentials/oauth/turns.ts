import type { Clock } from '../../domain/doors.ts';

/** A failure that took longer than this is one of waiting. */
const LONG_MS = 1_000;

/**
 * Work that is done one at a time. A server that hangs is waited for once: who stood in line meanwhile is told of the same
 * failure, so a halt that waits for all of them waits for one.
 */
export class Turns {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #last: Promise<unknown> = Promise.resolve();
  #failed: { readonly at: number; readonly error: unknown } | null = null;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** After all that was asked for before, whatever came of it. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  /** The same for what asks a server. */
  asking<T>(work: () => Promise<T>): Promise<T> {
    const since = this.#clock.monotonic();
    return this.alone(async () => {
      if (this.#failed !== null && since < this.#failed.at) throw this.#failed.error;
      const begun = this.#clock.monotonic();
      try {
        return await work();
      } catch (error) {
        const at = this.#clock.monotonic();
        if (at - begun > LONG_MS) this.#failed = { at, error };
        throw error;
      }
    });
  }
}
