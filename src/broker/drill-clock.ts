import type { Timer } from '../domain/doors.ts';
import { type DrillHealth, type DrillReport, drillHealth } from '../domain/drill.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Broker } from './broker.ts';
import { drill } from './drill.ts';
import type { DrillGround } from './drill-ground.ts';

const LOOK_EVERY_MS = 30_000;
const HOUR_MS = 3_600_000;
/** Of so many drills the health is told: one that is under way says nothing yet. */
const LOOKED_AT = 4;

/**
 * Drills by the plan of the active bundle. Every replica looks at its clock and asks the store; the store lets one begin.
 * What it last saw of the drills is the health that everybody is told, also when the store cannot be asked.
 */
export class DrillClock {
  readonly #broker: Broker;
  readonly #ground: DrillGround;
  readonly #log: (line: string) => void;
  readonly #timer: Timer;
  #health: DrillHealth = { state: 'off', lastAt: null };
  #isDrilling = false;

  constructor(broker: Broker, ground: DrillGround, log: (line: string) => void) {
    this.#broker = broker;
    this.#ground = ground;
    this.#log = log;
    this.#timer = broker.doors.timers.every(LOOK_EVERY_MS, () => void this.look());
  }

  /** As of the last look. */
  get health(): DrillHealth {
    return this.#health;
  }

  /** Looks, and drills when it is time. Never rejects. */
  async look(): Promise<DrillHealth> {
    try {
      await this.#refresh();
      if (await this.#isTime()) await this.#drill();
    } catch (error) {
      const isTaken = error instanceof SignalboxError && error.code === 'DRILL_BUSY';
      if (!isTaken)
        this.#log(`drill: ${error instanceof SignalboxError ? error.message : 'a fault'}`);
    }
    return this.#health;
  }

  /** By hand. Throws what `drill` throws. */
  async drill(agent: string | null, by: string): Promise<DrillReport> {
    const request = { agent, by, approver: by, notSince: null };
    const report = await drill(this.#broker, this.#ground, request);
    await this.#refresh().catch(() => undefined);
    return report;
  }

  close(): void {
    this.#timer.cancel();
    this.#isDrilling = true;
  }

  async #refresh(): Promise<void> {
    const { bundles, store, doors } = this.#broker;
    const { drill: plan } = await bundles.active();
    const before = this.#health.state;
    this.#health = drillHealth(plan, await store.drills(LOOKED_AT), doors.clock.now());
    const { state, lastAt } = this.#health;
    if (state === 'stale' && before !== 'stale')
      this.#broker.alerts.tell('drill.stale', { lastAt });
  }

  async #isTime(): Promise<boolean> {
    const { bundles, store, doors } = this.#broker;
    const { drill: plan } = await bundles.active();
    if (plan === undefined || this.#isDrilling) return false;
    const [newest] = await store.drills(1);
    return newest === undefined || doors.clock.now() - newest.begunAt >= plan.hours * HOUR_MS;
  }

  async #drill(): Promise<void> {
    const { bundles, doors } = this.#broker;
    const { drill: plan } = await bundles.active();
    const notSince = doors.clock.now() - (plan?.hours ?? 1) * HOUR_MS + 1;
    this.#isDrilling = true;
    try {
      const request = { agent: null, by: 'schedule', approver: null, notSince };
      const { ok, problems } = await drill(this.#broker, this.#ground, request);
      if (!ok) this.#log(`drill failed: ${problems.join('; ')}`);
    } finally {
      this.#isDrilling = false;
    }
    await this.#refresh();
  }
}
