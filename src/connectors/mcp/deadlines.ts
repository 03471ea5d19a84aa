import type { Clock, Timer, Timers } from '../../domain/doors.ts';

/** Something that must be over by `deadline` (of the monotonic clock, in milliseconds). */
export interface Deadlined {
  readonly deadline: number;
  /** Where it stands among those that wait; kept by whom it was added to, -1 at first. */
  place: number;
  /** Called once it has passed, again and again until it is removed. */
  expire(): void;
}

const TICK_MS = 50;
/** The clock goes on ticking this long without work, so that a call a second does not start it each time. */
const IDLE_TICKS = 40;

/** One coarse timer for all calls in the air, in place of one each: a deadline is kept to 50 ms. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  /** No Set: one that is filled and emptied all the time keeps what was in it (domain/roster.ts). */
  readonly #waiting: Deadlined[] = [];
  #ticking: Timer | null = null;
  #idle = 0;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  now(): number {
    return this.#clock.monotonic();
  }

  /** The deadline this many milliseconds from now; null: none. */
  after(ms: number | null): number {
    return ms === null ? Number.POSITIVE_INFINITY : this.now() + ms;
  }

  add(item: Deadlined): void {
    if (this.#waiting[item.place] === item) return;
    item.place = this.#waiting.push(item) - 1;
    this.#ticking ??= this.#timers.every(TICK_MS, () => this.#tick());
  }

  remove(item: Deadlined): void {
    if (this.#waiting[item.place] !== item) return;
    const last = this.#waiting.pop();
    if (last === undefined || last === item) return;
    last.place = item.place;
    this.#waiting[last.place] = last;
  }

  close(): void {
    this.#ticking?.cancel();
    this.#ticking = null;
  }

  #tick(): void {
    if (this.#waiting.length === 0) {
      if (++this.#idle > IDLE_TICKS) this.close();
      return;
    }
    this.#idle = 0;
    const now = this.#clock.monotonic();
    for (const item of this.#waiting.filter(({ deadline }) => deadline <= now)) item.expire();
  }
}

/** How long a deadline may stand still. */
const MAX_ASKED_MS = 15 * 60_000;

/** The time in which a call's deadline stands still, because its caller is being asked. */
export class Standstill {
  readonly #deadlines: Deadlines;
  #questions = 0;
  #since = 0;

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  asked(): void {
    if (this.#questions++ === 0) this.#since = this.#deadlines.now();
  }

  /** By how many milliseconds the deadline moves. */
  answered(): number {
    return --this.#questions === 0 ? this.#deadlines.now() - this.#since : 0;
  }

  get holds(): boolean {
    return this.#questions > 0 && this.#deadlines.now() - this.#since < MAX_ASKED_MS;
  }
}
