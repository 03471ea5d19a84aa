import type { Doors, Timer } from '../../src/domain/doors.ts';
import { realDoors } from '../../src/doors.ts';

interface Due {
  at: number;
  readonly order: number;
  readonly run: () => void;
  readonly process: Process;
}

/** One process: paused, its timers wait while the clocks go on. */
export class Process {
  isPaused = false;
}

/** Time that passes by hand, the same for all processes of a test. */
export class Time {
  elapsed = 0;
  readonly #start = Date.now();
  #due: Due[] = [];
  #order = 0;

  doorsOf(process: Process): Doors {
    const after = (ms: number, run: () => void): Timer => {
      const due = { at: this.elapsed + Math.max(0, ms), order: this.#order++, run, process };
      this.#due.push(due);
      const cancel = (): void => {
        this.#due = this.#due.filter((other) => other !== due);
      };
      return { cancel };
    };
    const every = (ms: number, run: () => void): Timer => {
      let timer: Timer;
      const again = (): void => {
        timer = after(ms, again);
        run();
      };
      timer = after(ms, again);
      return { cancel: () => timer.cancel() };
    };
    return {
      clock: { now: () => this.#start + this.elapsed, monotonic: () => this.elapsed },
      entropy: realDoors().entropy,
      timers: { after, every },
    };
  }

  /** Lets so much time pass; whatever is due on the way happens, and what follows from it without waiting. */
  async pass(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    await settled();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.elapsed = Math.max(this.elapsed, next.at);
      this.#due = this.#due.filter((due) => due !== next);
      next.run();
      await settled();
    }
    this.elapsed = end;
    await settled();
  }

  /** Waits for work that needs time to pass. */
  async until<T>(work: Promise<T>, most = 120_000): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    const end = this.elapsed + most;
    await settled();
    while (!isOver && this.elapsed < end) await this.pass(10);
    if (!isOver) throw new Error(`not over after ${most} ms`);
    return work;
  }

  #next(end: number): Due | undefined {
    return this.#due
      .filter(({ at, process }) => at <= end && !process.isPaused)
      .toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
  }
}

/** Everything runs that waits for nothing more. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
