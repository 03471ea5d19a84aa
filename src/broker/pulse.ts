import type { Timer } from '../domain/doors.ts';
import { type Halt, type HaltScope, landedBy, noticed } from '../domain/halt.ts';
import type { Beat } from '../domain/store.ts';
import { bringDownHere } from './bring-down-here.ts';
import type { Broker } from './broker.ts';
import { STALE_ABORT } from './flights.ts';
import { closeRun } from './runs.ts';

/** Questions without an answer: one that hangs must not keep the next from being asked. */
const MOST_ASKED = 4;
/** Halts that only a notice told of. */
const MOST_EARLY = 64;
/** Runs in the air that are looked at with one beat. */
const MOST_RUNS = 32;

/**
 * The beat of a replica that shares its store. Each answer is knowledge of halts (freshness.ts):
 *   a halt that is new here → brought down; when all of it has landed, that is said with the next beat
 *   no answer in time       → everything in the air is aborted, what was lent is forgotten, who waits is woken
 *   a replica fell silent, or the store is back and did not take all that landed meanwhile → `left` is called
 */
export class Pulse {
  readonly #broker: Broker;
  readonly #left: () => void;
  readonly #silent = new Set<string>();
  /** Halts that a notice told of before a beat did, by their number. */
  readonly #early = new Map<
    number,
    { readonly scope: HaltScope; readonly landing: Promise<void> }
  >();
  #beating: Timer | null = null;
  #expiry: Timer | null = null;
  #unwatch: () => void = () => {};
  #asked = 0;
  #applied = 0;
  #landing: Promise<unknown> = Promise.resolve();
  #flying: ReadonlySet<string> = new Set();
  #isStale = false;

  /** `left`: something was left to be taken over. */
  constructor(broker: Broker, left: () => void) {
    this.#broker = broker;
    this.#left = left;
  }

  /**
   * Asks every `beatMs`, and when it hears of something. Resolves with the first answer; from then on this replica
   * counts. Throws what the store throws.
   */
  async start(beatMs: number): Promise<void> {
    const { store, freshness, doors } = this.#broker;
    if (store.alone) return;
    // nothing of what was halted before can be in the air here
    this.#applied = (await store.haltState()).stamp.halt;
    freshness.landed = this.#applied;
    this.#heard(await freshness.ask());
    this.#unwatch = store.watch((key) => this.#notice(key));
    this.#beating = doors.timers.every(beatMs, () => void this.#beat());
    this.#watchExpiry();
  }

  close(): void {
    this.#unwatch();
    this.#beating?.cancel();
    this.#expiry?.cancel();
    this.#asked = MOST_ASKED;
  }

  async #beat(): Promise<void> {
    if (this.#asked >= MOST_ASKED) return;
    this.#asked++;
    try {
      this.#heard(await this.#broker.freshness.ask());
    } catch {
      // the bound tells how long that may go on
    } finally {
      this.#asked--;
    }
  }

  #heard(beat: Beat): void {
    const { freshness, flights } = this.#broker;
    this.#apply(beat);
    if (this.#isStale && freshness.isFresh) {
      this.#isStale = false;
      this.#watchExpiry();
      this.#left(); // what it flew and held when it fell silent
    } else if (flights.allOwed().length > 0) this.#left();
    this.#lookForDead();
    void this.#lookAtRuns();
  }

  #apply({ stamp, halts }: Beat): void {
    if (stamp.halt <= this.#applied) return;
    const news = halts.filter(({ epoch }) => epoch > this.#applied);
    this.#applied = stamp.halt;
    const down = news.map((halt) => this.#bringDown(halt));
    for (const epoch of this.#early.keys()) if (epoch <= stamp.halt) this.#early.delete(epoch);
    this.#landing = Promise.all([this.#landing, ...down]).then(() => {
      const { freshness } = this.#broker;
      freshness.landed = Math.max(freshness.landed, stamp.halt);
      return this.#beat();
    });
  }

  /** Whoever raised it here brings it down; what that one could not is tried without end. */
  async #bringDown({ scope, epoch }: Halt): Promise<void> {
    const early = this.#early.get(epoch);
    if (early?.scope === scope) {
      await early.landing;
      if (this.#broker.flights.count(scope) === 0) return;
    }
    const left = await this.#broker.freshness.landingOf(epoch)?.catch(() => undefined);
    if (left === undefined || left.length > 0) await bringDownHere(this.#broker, scope);
  }

  #watchExpiry(): void {
    const { freshness, doors } = this.#broker;
    this.#expiry = doors.timers.after(Math.max(1, Math.ceil(freshness.leftMs) + 1), () => {
      if (freshness.isFresh) this.#watchExpiry();
      else this.#expire();
    });
  }

  #expire(): void {
    const { flights, streams, credentials, notices } = this.#broker;
    this.#isStale = true;
    flights.abort('all', STALE_ABORT);
    streams.end('all');
    credentials.letGo('all').catch(() => undefined);
    notices.wakeAll();
  }

  #notice(key: string): void {
    const halt = noticed(key);
    if (halt !== null) this.#expect(halt);
    if (halt !== null || key === 'halt') void this.#beat();
    else if (key.startsWith('run:')) void this.#lookAt(key.slice(4));
    const landing = landedBy(key);
    if (landing !== null) this.#broker.freshness.heardLanding(landing);
    this.#broker.notices.notify(landing === null ? key : 'landed');
  }

  /** What flies comes down at once. Only a beat says that the halt stands, and only after one has it landed. */
  #expect({ epoch, scope }: Pick<Halt, 'epoch' | 'scope'>): void {
    const { freshness } = this.#broker;
    if (epoch <= this.#applied || this.#early.has(epoch) || this.#early.size >= MOST_EARLY) return;
    if (freshness.isRaising(scope) || freshness.landingOf(epoch) !== undefined) return;
    this.#early.set(epoch, { scope, landing: bringDownHere(this.#broker, scope) });
  }

  #lookForDead(): void {
    const { freshness } = this.#broker;
    const dead = freshness.others.filter(({ id }) => freshness.isDead(id)).map(({ id }) => id);
    const isNew = dead.some((id) => !this.#silent.has(id));
    this.#silent.clear();
    for (const id of dead) this.#silent.add(id);
    if (isNew) this.#left();
  }

  /** Runs that were in the air a beat ago and still are: one may have been ended elsewhere. */
  async #lookAtRuns(): Promise<void> {
    const now = new Set(this.#broker.flights.runsIn('all'));
    const long = [...now].filter((id) => this.#flying.has(id)).slice(0, MOST_RUNS);
    this.#flying = now;
    await Promise.all(long.map((id) => this.#lookAt(id)));
  }

  async #lookAt(runId: string): Promise<void> {
    const run = await this.#broker.store.run(runId).catch(() => null);
    if (run?.state === 'ended') await closeRun(this.#broker, runId);
  }
}
