import type { Timer } from '../../src/domain/doors.ts';

/** A number: of that incarnation of Signalbox, and gone with it. `world`: goes on whatever crashes. */
export type Owner = number | 'world';

interface Planned {
  at: number;
  order: number;
  readonly owner: Owner;
  readonly what: string;
  readonly run: () => void;
  isCancelled: boolean;
}

/**
 * Simulated time and everything that will happen in it. Every continuation that a life controls (timers, answers of
 * store, target and issuer) is one of these; what an incarnation waits for never comes once it is dead.
 */
export class Schedule {
  /** Milliseconds since the life began. */
  elapsed = 0;
  /** The incarnations that run. */
  readonly living = new Set<number>();
  /** Those of them that are stopped for now, and what was due meanwhile. */
  readonly #paused = new Map<number, Planned[]>();
  readonly #heap: Planned[] = [];
  #order = 0;

  after(ms: number, owner: Owner, what: string, run: () => void): Timer {
    const at = this.elapsed + Math.max(0, ms);
    const planned: Planned = { at, order: this.#order++, owner, what, run, isCancelled: false };
    this.#push(planned);
    return {
      cancel: () => {
        planned.isCancelled = true;
      },
    };
  }

  every(ms: number, owner: Owner, what: string, run: () => void): Timer {
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      run();
      this.after(ms, owner, what, again);
    };
    this.after(ms, owner, what, again);
    return {
      cancel: () => {
        isOver = true;
      },
    };
  }

  /** Never resolves for an incarnation that dies first. */
  wait(ms: number, owner: Owner, what: string): Promise<void> {
    return new Promise((resolve) => this.after(ms, owner, what, resolve));
  }

  /** Runs the next thing that is due; what it was, or null when nothing is left or due by `until`. */
  step(until: number): string | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) return null;
      this.#pop();
      if (first.isCancelled || !this.#isAlive(first.owner)) continue;
      const waiting = first.owner === 'world' ? undefined : this.#paused.get(first.owner);
      if (waiting !== undefined) {
        waiting.push(first);
        continue;
      }
      this.elapsed = first.at;
      first.run();
      return first.what;
    }
  }

  /** Stops a process where it is: its clocks go on, and nothing else of it. */
  pause(incarnation: number): void {
    if (!this.#paused.has(incarnation)) this.#paused.set(incarnation, []);
  }

  /** What was due comes at once: timers first, as an event loop has it. */
  wake(incarnation: number): void {
    const due = this.#paused.get(incarnation) ?? [];
    this.#paused.delete(incarnation);
    const isTimer = ({ what }: Planned): boolean => what === 'timer';
    for (const planned of [...due.filter(isTimer), ...due.filter((one) => !isTimer(one))])
      this.#push(Object.assign(planned, { at: this.elapsed, order: this.#order++ }));
  }

  isPaused(incarnation: number): boolean {
    return this.#paused.has(incarnation);
  }

  #isAlive(owner: Owner): boolean {
    return owner === 'world' || this.living.has(owner);
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Planned;
      if (!isBefore(planned, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Planned;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= heap.length) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, heap[below] as Planned)) below++;
      const child = heap[below] as Planned;
      if (!isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
