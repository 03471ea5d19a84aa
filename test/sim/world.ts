import type { Doors } from '../../src/domain/doors.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';
import { CALM, drawSwarm, type Faults, type Swarm } from './swarm.ts';
import { Trace } from './trace.ts';

/** The invariants of the design, and what the simulator adds: each failure names one. */
export type Invariant =
  | 'no_effect_without_intent'
  | 'default_deny'
  | 'irreversible_never_auto'
  | 'halt_is_total'
  | 'freshness_or_stop'
  | 'approval_is_exact'
  | 'spent_plus_pending_le_limit'
  | 'attenuation_never_widens'
  | 'ledger_is_evidence'
  | 'one_effect_per_action'
  | 'outcomes_are_true'
  | 'no_blind_repeat'
  | 'no_internal_fault'
  | 'the_living_are_left_alone'
  | 'liveness';

export interface Violation {
  readonly invariant: Invariant;
  readonly detail: string;
}

export interface Tally {
  [what: string]: number;
}

/** A Monday noon; a day may end during a life. */
const BEGINNING = Date.UTC(2026, 0, 5, 12);

/** What everything in one life shares: chance, time, the trace, and what went wrong first. */
export class World {
  readonly seed: number;
  readonly random: Random;
  readonly schedule = new Schedule();
  readonly trace = new Trace();
  readonly tally: Tally = {};
  readonly swarm: Swarm;
  faults: Faults;
  violation: Violation | null = null;
  /** What the wall clock is off by; it jumps. */
  skew = 0;
  /** What the clock of one process is off by besides. */
  readonly #skews = new Map<number, number>();
  /** Processes that reach the store no more, for now. */
  readonly #cut = new Set<number>();

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Random(seed);
    this.swarm = drawSwarm(this.random);
    this.faults = this.swarm;
  }

  get now(): number {
    return Math.floor(BEGINNING + this.schedule.elapsed + this.skew);
  }

  calm(): void {
    this.faults = CALM;
    this.#cut.clear();
    for (const incarnation of this.schedule.living) this.schedule.wake(incarnation);
    this.tell('the faults stop');
  }

  /** The clock of all, or of one process alone. */
  jump(ms: number, incarnation: number | null): void {
    this.count('clockJumps');
    if (incarnation === null) this.skew += ms;
    else this.#skews.set(incarnation, (this.#skews.get(incarnation) ?? 0) + ms);
    this.tell(`the clock of ${incarnation ?? 'all'} jumps by ${ms} ms`);
  }

  isCut(incarnation: number): boolean {
    return this.#cut.has(incarnation);
  }

  cut(incarnation: number, ms: number): void {
    this.count('partitions');
    this.tell(`incarnation ${incarnation} is cut off for ${ms} ms`);
    this.#cut.add(incarnation);
    this.schedule.after(ms, 'world', 'mended', () => this.#cut.delete(incarnation));
  }

  replicaOf(incarnation: number): string {
    return `replica_${String(incarnation).padStart(4, '0')}`;
  }

  tell(line: string): void {
    this.trace.add(`${String(this.schedule.elapsed).padStart(8)} ms  ${line}`);
  }

  count(what: string, by = 1): void {
    this.tally[what] = (this.tally[what] ?? 0) + by;
  }

  /** The first one counts; the life ends with it. */
  broken(invariant: Invariant, detail: string): void {
    this.tell(`BROKEN ${invariant}: ${detail}`);
    this.violation ??= { invariant, detail };
  }

  require(isSo: boolean, invariant: Invariant, detail: string): void {
    if (!isSo) this.broken(invariant, detail);
  }

  /** The doors of one incarnation: its timers die with it. */
  doors(incarnation: number): Doors {
    const { schedule, random } = this;
    const after = (ms: number, run: () => void) => schedule.after(ms, incarnation, 'timer', run);
    return {
      clock: {
        now: () => this.now + (this.#skews.get(incarnation) ?? 0),
        monotonic: () => schedule.elapsed,
      },
      entropy: { bytes: (length) => random.bytes(length), id: (prefix) => this.id(prefix) },
      timers: { after, every: (ms, run) => schedule.every(ms, incarnation, 'timer', run) },
    };
  }

  id(prefix: string): string {
    const time = this.now.toString(36).padStart(9, '0');
    const tail = this.random.int(0, 36 ** 6 - 1).toString(36);
    return `${prefix}_${time}${tail.padStart(6, '0')}`;
  }
}
