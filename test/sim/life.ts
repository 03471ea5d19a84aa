import { Agents } from './agents.ts';
import { bundlesOf } from './bundles.ts';
import { Disk } from './disk.ts';
import { type Ground, House } from './house.ts';
import { Issuer } from './issuer.ts';
import { Machine } from './machine.ts';
import { Model } from './model.ts';
import { Operators } from './operators.ts';
import { type PlantName, plant } from './plants.ts';
import { type Fellow, StoreWatch } from './store-watch.ts';
import { CALM } from './swarm.ts';
import { TargetWatch } from './target-watch.ts';
import { checkUsage } from './usage-check.ts';
import { Witness } from './witness.ts';
import { World } from './world.ts';

/** A life has some thousands; one that makes itself more to do than it gets done has no end. */
const MOST_EVENTS = 200_000;

/**
 * Everything of one seed: the world, what survives crashes, the actors, and one or two replicas of Signalbox, each one
 * incarnation after the other.
 */
export class Life {
  readonly world: World;
  readonly model = new Model();
  readonly witness: Witness;
  readonly issuer: Issuer;
  readonly disk: Disk;
  readonly agents: Agents;
  readonly operators: Operators;
  readonly #slots: Slot[];
  readonly #ground: Ground;
  #incarnations = 0;
  #events = 0;

  constructor(seed: number, planted: PlantName | null) {
    const world = new World(seed);
    this.world = world;
    this.witness = new Witness(world);
    this.issuer = new Issuer(world, this.witness);
    const watch = new StoreWatch(world, this.model, this.witness, this.issuer);
    const target = new TargetWatch(world, this.model, this.witness);
    this.witness.watch = target;
    const bug = planted === null ? null : plant(planted, this.model, world);
    this.disk = new Disk(world, watch, bug);
    this.agents = new Agents(world, this.model);
    this.operators = new Operators(world, this.model);
    const { witness, issuer, disk } = this;
    this.#ground = { world, disk, witness, issuer, gateWatch: target, plant: bug };
    this.#slots = Array.from(
      { length: world.swarm.replicas },
      () => new Slot(new Machine(world, this.model)),
    );
    if (world.swarm.replicas === 2)
      target.quietMs = (incarnation) => this.disk.quietMs(world.replicaOf(incarnation));
    watch.fellows = () => this.houses.map((house) => fellowOf(house, disk));
  }

  /** Those that are up. */
  get houses(): House[] {
    return this.#slots.flatMap(({ house }) => (house === null ? [] : [house]));
  }

  /** One that is up, as a load balancer picks it. */
  get house(): House | null {
    const up = this.houses;
    if (up.length <= 1) return up[0] ?? null;
    return this.world.random.pick(up);
  }

  /** One of them, whether Signalbox is up on it or not. */
  get machine(): Machine {
    return this.world.random.pick(this.machines);
  }

  get machines(): Machine[] {
    return this.#slots.map(({ machine }) => machine);
  }

  get isWhole(): boolean {
    return this.#slots.every(({ house }) => house !== null);
  }

  /** A Signalbox with a bundle and some runs, before anything goes wrong. */
  async prepare(): Promise<void> {
    const { world, operators } = this;
    world.faults = CALM;
    for (const slot of this.#slots) this.#rise(slot);
    await this.#settle();
    await this.until(() => this.isWhole, 60_000);
    const { house } = this;
    if (house === null) return world.broken('liveness', 'it does not start');
    const [first] = bundlesOf(world.swarm.looseLimits);
    if (first !== undefined) void operators.apply(house, first, 'none');
    await this.until(() => operators.busy === 0, 60_000);
    for (const agent of ['ann', 'ann', 'bob'] as const) void operators.begin(house, agent);
    await this.until(() => operators.busy === 0, 60_000);
    world.faults = world.swarm;
  }

  /** Runs what is due until `isSo`, for `ms` at most. Crashes come between any two things that happen. */
  async until(isSo: () => boolean, ms: number): Promise<boolean> {
    const { world } = this;
    const last = world.schedule.elapsed + ms;
    while (!isSo()) {
      if (world.violation !== null) return false;
      if (world.schedule.step(last) === null) return isSo();
      if (++this.#events > MOST_EVENTS) world.broken('liveness', 'it never comes to an end');
      await this.#settle();
    }
    return true;
  }

  /** Lets everything run that needs nothing more to happen; then looks at what it did. */
  async #settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve));
    const { world, disk } = this;
    if (disk.isTouched) {
      disk.isTouched = false;
      checkUsage(world, this.model, disk);
    }
    for (const slot of this.#slots)
      if ((slot.house ?? slot.rising)?.store.isDown === true && !slot.isDoomed) this.#doom(slot);
    const slot = this.#slots.length === 1 ? this.#slots[0] : world.random.pick(this.#slots);
    if (slot === undefined || (slot.house ?? slot.rising) === null) return;
    if (slot.house !== null && world.random.chance(world.faults.ambush)) this.#ambush(slot.house);
    if (world.swarm.replicas === 2) this.#estrange(slot);
    const stakes = this.witness.underway().length > 0 ? 6 : 1;
    if (world.random.chance(world.faults.crash * stakes)) this.crash(slot, 'crash');
  }

  /** It loses its way to the store, or its process is stopped for a while. */
  #estrange({ house }: Slot): void {
    const { world } = this;
    const { random, schedule } = world;
    if (house === null) return;
    const { incarnation } = house;
    const stakes = this.witness.underway().length > 0 ? 4 : 1;
    if (random.chance(world.faults.cut * stakes) && !world.isCut(incarnation)) {
      world.cut(incarnation, random.latency(40_000));
      const other = this.houses.find((one) => one !== house);
      if (other !== undefined && random.chance(0.5)) this.#ambush(other, incarnation);
    }
    if (!random.chance(world.faults.pause * stakes) || schedule.isPaused(incarnation)) return;
    world.count('pauses');
    const ms = random.latency(random.chance(0.3) ? 120_000 : 15_000);
    world.tell(`incarnation ${incarnation} is stopped for ${ms} ms`);
    schedule.pause(incarnation);
    schedule.after(ms, 'world', 'woken', () => schedule.wake(incarnation));
  }

  /** Somebody halts what is under way at this very moment, and thinks better of it later. */
  #ambush(house: House, of: number | null = null): void {
    const { random, schedule } = this.world;
    const whose = of === null ? null : this.world.replicaOf(of);
    const open = this.model
      .openActions()
      .filter(({ replica }) => whose === null || replica === whose);
    if (open.length === 0) return;
    const { runId, tool, connection } = random.pick(open).record;
    const scope = random.pick(this.model.scopesOf(runId, tool, connection));
    void this.operators.halt(house, scope);
    schedule.after(random.latency(4_000), house.incarnation, 'thinks better of it', () => {
      void this.operators.resume(house, scope);
    });
  }

  /** A process whose store is down does nothing more; somebody restarts it. */
  #doom(slot: Slot): void {
    slot.isDoomed = true;
    const { random, schedule } = this.world;
    schedule.after(random.int(1, 3_000), slot.incarnation, 'restarted by hand', () =>
      this.crash(slot, 'restart'),
    );
  }

  /** Everything in memory is gone: no continuation of this incarnation ever runs again. */
  crash(slot: Slot, why: 'crash' | 'restart' | 'failed start'): void {
    const { world } = this;
    const { incarnation } = slot;
    const store = (slot.house ?? slot.rising)?.store;
    if (store === undefined) return;
    world.count(why === 'crash' ? 'crashes' : 'restarts');
    world.tell(`${why.toUpperCase()} of incarnation ${incarnation}`);
    world.schedule.living.delete(incarnation);
    world.schedule.wake(incarnation);
    slot.house = null;
    slot.rising = null;
    store.crash();
    this.witness.disconnect(incarnation);
    this.agents.lost(incarnation);
    this.operators.lost(incarnation);
    world.schedule.after(world.random.latency(5_000), 'world', 'start', () => this.#rise(slot));
  }

  #rise(slot: Slot): void {
    const { world } = this;
    const incarnation = ++this.#incarnations;
    slot.incarnation = incarnation;
    slot.isDoomed = false;
    world.schedule.living.add(incarnation);
    const house = new House(this.#ground, incarnation, slot.machine);
    slot.rising = house;
    house.start().then(
      () => {
        world.tell(`incarnation ${incarnation} is up`);
        slot.house = house;
        slot.rising = null;
      },
      () => this.crash(slot, 'failed start'),
    );
  }
}

/** The place of one replica: down → starting → up → (crash) → down, one incarnation after the other. */
class Slot {
  incarnation = 0;
  house: House | null = null;
  rising: House | null = null;
  isDoomed = false;
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }
}

function fellowOf({ store, broker }: House, disk: Disk): Fellow {
  const { replica, alone } = store;
  return {
    replica,
    quietMs: alone ? 0 : disk.quietMs(replica),
    revivedMs: disk.revivedMs(replica),
    flies: (actionId) => broker.flights.has(actionId),
  };
}
