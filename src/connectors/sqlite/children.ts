import { ConnectorFailure } from '../../domain/connector.ts';
import type { Timer, Timers } from '../../domain/doors.ts';
import type { StopSignal } from '../../domain/stop.ts';
import { SqliteChild } from './child.ts';

const IDLE_MS = 20_000;
const MAX_CHILDREN = 16;

type Mode = 'read' | 'write';

interface Idle {
  readonly child: SqliteChild;
  readonly timer: Timer;
}

/** The processes of runs: one for each call under way, kept warm for the run's next one. */
export class SqliteChildren {
  readonly #timers: Timers;
  readonly #idle = new Map<string, Idle[]>();
  readonly #busy = new Map<SqliteChild, { readonly key: string; readonly runId: string }>();
  #starting = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Throws OVERLOADED when there are too many, and what starting one throws. */
  async take(runId: string, file: string, mode: Mode, signal: StopSignal): Promise<SqliteChild> {
    const key = JSON.stringify([runId, mode, file]);
    for (let idle = this.#pop(key); idle !== undefined; idle = this.#pop(key)) {
      idle.timer.cancel();
      if (idle.child.gone) continue;
      idle.child.idle(false);
      this.#busy.set(idle.child, { key, runId });
      return idle.child;
    }
    if (this.count >= MAX_CHILDREN && !this.#retireOne())
      throw new ConnectorFailure('OVERLOADED', 'too many calls of SQLite are under way', 'none');
    this.#starting++;
    try {
      const child = await SqliteChild.start(file, mode, this.#timers, signal);
      this.#busy.set(child, { key, runId });
      return child;
    } finally {
      this.#starting--;
    }
  }

  /** Back for the run's next call; one that was lost, or whose run is over, is forgotten. */
  give(child: SqliteChild): void {
    const at = this.#busy.get(child);
    this.#busy.delete(child);
    if (at === undefined || child.gone) {
      child.kill();
      return;
    }
    child.idle(true);
    const timer = this.#timers.after(IDLE_MS, () => this.#end(at.key, child));
    this.#idle.set(at.key, [...(this.#idle.get(at.key) ?? []), { child, timer }]);
  }

  /** Ends what a run keeps, or everything. What is under way is ended with it. */
  release(runId: string | null): void {
    for (const [key, idle] of this.#idle) {
      if (runId !== null && (JSON.parse(key) as string[])[0] !== runId) continue;
      for (const { child } of [...idle]) this.#end(key, child);
    }
    for (const [child, at] of this.#busy)
      if (runId === null || at.runId === runId) {
        this.#busy.delete(child);
        child.kill();
      }
  }

  get count(): number {
    const idle = [...this.#idle.values()].reduce((total, list) => total + list.length, 0);
    return idle + this.#busy.size + this.#starting;
  }

  #pop(key: string): Idle | undefined {
    return this.#idle.get(key)?.pop();
  }

  #retireOne(): boolean {
    for (const [key, [first]] of this.#idle)
      if (first !== undefined) {
        this.#end(key, first.child);
        return true;
      }
    return false;
  }

  #end(key: string, child: SqliteChild): void {
    const left = (this.#idle.get(key) ?? []).filter((one) => {
      if (one.child === child) one.timer.cancel();
      return one.child !== child;
    });
    if (left.length > 0) this.#idle.set(key, left);
    else this.#idle.delete(key);
    child.kill();
  }
}
