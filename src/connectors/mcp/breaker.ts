import type { Clock } from '../../domain/doors.ts';

const LONGEST_MS = 60_000;
const FIRST_MS = 1_000;

/**
 * Whether a server is worth trying:
 *   closed → open           `most` connections failed one after another
 *   open → half-open        the wait is over: one a second may try
 *   half-open → closed      it answered
 *   half-open → open        that one failed too: the wait is twice as long
 * What was in the air when it opened may fail after it; that counts for nothing.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #most: number;
  #failures = 0;
  #openUntil = 0;
  #waitMs = FIRST_MS;
  #trying = false;

  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** 0: try. Otherwise the milliseconds until it is worth it. */
  wait(): number {
    if (this.#failures < this.#most) return 0;
    const now = this.#clock.monotonic();
    if (now < this.#openUntil) return this.#openUntil - now;
    this.#openUntil = now + FIRST_MS;
    this.#trying = true;
    return 0;
  }

  /** It answered, whatever it said. */
  answered(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#waitMs = FIRST_MS;
    this.#trying = false;
  }

  failed(): void {
    if (this.#failures < this.#most) {
      if (++this.#failures === this.#most) this.#openUntil = this.#clock.monotonic() + FIRST_MS;
    } else if (this.#trying) {
      this.#trying = false;
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_MS);
      this.#openUntil = this.#clock.monotonic() + this.#waitMs;
    }
  }
}
