import type { Clock } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';

/** Runs one agent may start in a minute, sub-runs included; and words that are said in its runs. */
const A_MINUTE = 120;

/** Counts what was done per agent, or run, in the present minute. Both are bounded: by the bundle, by the store. */
export class Pace {
  readonly #clock: Clock;
  readonly #done: (most: number) => string;
  readonly #most: number;
  readonly #noun: string;
  readonly #started = new Map<string, number>();
  #minute = 0;

  /** `done`: in words, `started 120 runs`. */
  constructor(clock: Clock, done: (most: number) => string, most = A_MINUTE, noun = 'agent') {
    this.#clock = clock;
    this.#done = done;
    this.#most = most;
    this.#noun = noun;
  }

  /** Throws OVERLOADED. */
  check(who: string): void {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    if (minute !== this.#minute) this.#started.clear();
    this.#minute = minute;
    const started = (this.#started.get(who) ?? 0) + 1;
    if (started > this.#most)
      throw new SignalboxError(
        'OVERLOADED',
        `${this.#noun} \`${who}\` ${this.#done(this.#most)} in this minute`,
      );
    this.#started.set(who, started);
  }
}
