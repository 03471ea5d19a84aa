import type { Clock } from '../../domain/doors.ts';

const LONGEST_MS = 60_000;
const FIRST_MS = 1_000;

/**
 * Whether a server is worth trying:
 *   closed → open           `most` connections failed one after another; the wait doubles each time
 *   open → half-open        the wait is over: one a second may try
 *   half-open → closed | open
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #most: number;
  #failures = 0;
  #openUntil = 0;

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
    return 0;
  }

  /** It answered, whatever it said. */
  answered(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    const over = this.#failures - this.#most;
    if (over >= 0)
      this.#openUntil =
        this.#clock.monotonic() + Math.min(FIRST_MS * 2 ** Math.min(over, 10), LONGEST_MS);
  }
}
