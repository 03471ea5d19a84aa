import type { Clock } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';

/** Runs one agent may start in a minute, sub-runs included. */
const RUNS_A_MINUTE = 120;

/** Counts runs started per agent in the present minute. Agents are bounded by the bundle. */
export class Pace {
  readonly #clock: Clock;
  readonly #started = new Map<string, number>();
  #minute = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws OVERLOADED. */
  check(agent: string): void {
    const minute = Math.floor(this.#clock.monotonic() / 60_000);
    if (minute !== this.#minute) this.#started.clear();
    this.#minute = minute;
    const started = (this.#started.get(agent) ?? 0) + 1;
    if (started > RUNS_A_MINUTE)
      throw new SignalboxError(
        'OVERLOADED',
        `agent \`${agent}\` started ${RUNS_A_MINUTE} runs in this minute`,
      );
    this.#started.set(agent, started);
  }
}
