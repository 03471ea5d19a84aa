import type { Deadlined, Deadlines } from './deadlines.ts';
import type { Leg, LegOwner } from './leg.ts';

const TIME_MS = 5_000;

/** A request whose answer says nothing we want to know (a notification, the end of a session): sent, and left to itself. */
export class Errand implements LegOwner, Deadlined {
  readonly deadline: number;
  place = -1;
  readonly done: Promise<void>;
  leg: Leg | null = null;
  readonly #deadlines: Deadlines;
  readonly #over: () => void;

  constructor(deadlines: Deadlines) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#over = resolve;
    this.#deadlines = deadlines;
    this.deadline = deadlines.now() + TIME_MS;
    deadlines.add(this);
  }

  head(): void {}
  data(): void {}

  end(): void {
    this.#deadlines.remove(this);
    this.#over();
  }

  fail(): void {
    this.end();
  }

  expire(): void {
    this.leg?.abort();
    this.end();
  }
}
