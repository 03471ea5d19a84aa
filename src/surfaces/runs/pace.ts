import type { Clock } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';

/** Runs one agent may start in a minute, sub-runs included; and words that are said in its runs. */
const A_MINUTE = 120;

/** Counts what was done per agent in the present minute. Agents are bounded by the bundle. */
export class Pace {
  readonly #clock: Clock;
  readonly #done: (most: number) => string;
  readonly #started = new Map<string, number>();
  #minute = 0;

  /** `done`: in words, `started 120 runs`. */
  constructor(clock: Clock, done: (most: number) => string) {
    this.#clock = clock;
    this.#done = done;
  }

  /** Throws OVERLOADED. */
  check(agent: string): void {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    if (minute !== this.#minute) this.#started.clear();
    this.#minute = minute;
    const started = (this.#started.get(agent) ?? 0) + 1;
    if (started > A_MINUTE)
      throw new SignalboxError(
        'OVERLOADED',
        `agent \`${agent}\` ${this.#done(A_MINUTE)} in this minute`,
      );
    this.#started.set(agent, started);
  }
}
