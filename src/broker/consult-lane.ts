import type { Clock } from '../domain/doors.ts';

/*
 * The way to one who is asked outside:
 *
 *   open ──five failures in a row──▶ shut, for half a minute ──▶ one question is let through
 *     ▲                                 ▲                           │
 *     └──────── it answered ────────────┼───────────────────────────┤
 *                                       └──────── it failed ────────┘
 *
 * While it is open, eight questions are in the air and so many wait for their turn; whoever comes then is told at once.
 */

const FAILURES = 5;
const SHUT_MS = 30_000;
const AT_ONCE = 8;
const WAITING = 64;

export class ConsultLane {
  readonly #clock: Pick<Clock, 'monotonic'>;
  #failures = 0;
  #shutUntil = Number.NEGATIVE_INFINITY;
  #flying = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
  }

  /** Why nobody is asked now; null: ask. */
  closed(): string | null {
    if (this.#failures >= FAILURES) {
      const left = this.#shutUntil - this.#clock.monotonic();
      if (left > 0)
        return `it failed ${this.#failures} times in a row, and is asked again in ${Math.ceil(left / 1_000)} s`;
      if (this.#flying > 0) return 'it failed again and again, and one question tries it now';
    }
    return this.#waiting.length >= WAITING ? `${WAITING} questions wait for it already` : null;
  }

  /** `failed` tells a failure by its answer. `ask` never throws. */
  async through<T>(ask: () => Promise<T>, failed: (answer: T) => boolean): Promise<T> {
    if (this.#flying >= AT_ONCE) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#flying++;
    let answer: T;
    try {
      answer = await ask();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#flying--;
      else next();
    }
    this.#failures = failed(answer) ? this.#failures + 1 : 0;
    if (this.#failures >= FAILURES) this.#shutUntil = this.#clock.monotonic() + SHUT_MS;
    return answer;
  }
}
