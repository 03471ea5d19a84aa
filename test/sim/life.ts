import { Agents } from './agents.ts';
import { bundlesOf } from './bundles.ts';
import { Disk } from './disk.ts';
import { type Ground, House } from './house.ts';
import { Issuer } from './issuer.ts';
import { Model } from './model.ts';
import { Operators } from './operators.ts';
import { type PlantName, plant } from './plants.ts';
import { StoreWatch } from './store-watch.ts';
import { CALM } from './swarm.ts';
import { TargetWatch } from './target-watch.ts';
import { checkUsage } from './usage-check.ts';
import { Witness } from './witness.ts';
import { World } from './world.ts';

/**
 * Everything of one seed: the world, what survives crashes, the actors, and the incarnations of Signalbox one after
 * the other. down → starting → up → (crash) → down; `house` is null unless it is up.
 */
export class Life {
  readonly world: World;
  readonly model = new Model();
  readonly witness: Witness;
  readonly issuer: Issuer;
  readonly disk: Disk;
  readonly agents: Agents;
  readonly operators: Operators;
  house: House | null = null;
  readonly #ground: Ground;
  #rising: House | null = null;
  #incarnation = 0;
  #isDoomed = false;

  constructor(seed: number, planted: PlantName | null) {
    const world = new World(seed);
    this.world = world;
    this.witness = new Witness(world);
    this.issuer = new Issuer(world, this.witness);
    const watch = new StoreWatch(world, this.model, this.witness, this.issuer);
    this.witness.watch = new TargetWatch(world, this.model, this.witness);
    const bug = planted === null ? null : plant(planted, this.model, world);
    this.disk = new Disk(world, watch, bug);
    this.agents = new Agents(world, this.model);
    this.operators = new Operators(world, this.model);
    const { witness, issuer, disk } = this;
    this.#ground = { world, disk, witness, issuer, plant: bug };
  }

  /** A Signalbox with a bundle and some runs, before anything goes wrong. */
  async prepare(): Promise<void> {
    const { world, operators } = this;
    world.faults = CALM;
    this.rise();
    await this.until(() => this.house !== null, 60_000);
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
    const standing = this.house ?? this.#rising;
    if (standing === null) return;
    if (standing.store.isDown && !this.#isDoomed) this.#doom();
    if (this.house !== null && world.random.chance(world.faults.ambush)) this.#ambush(this.house);
    const stakes = this.witness.underway().length > 0 ? 6 : 1;
    if (world.random.chance(world.faults.crash * stakes)) this.crash('crash');
  }

  /** Somebody halts what is under way at this very moment, and thinks better of it later. */
  #ambush(house: House): void {
    const { random, schedule } = this.world;
    const open = this.model.openActions();
    if (open.length === 0) return;
    const { runId, tool, connection } = random.pick(open).record;
    const scope = random.pick(this.model.scopesOf(runId, tool, connection));
    void this.operators.halt(house, scope);
    schedule.after(random.latency(4_000), this.#incarnation, 'thinks better of it', () => {
      if (this.house !== null) void this.operators.resume(this.house, scope);
    });
  }

  /** A process whose store is down does nothing more; somebody restarts it. */
  #doom(): void {
    this.#isDoomed = true;
    const { random, schedule } = this.world;
    schedule.after(random.int(1, 3_000), this.#incarnation, 'restarted by hand', () =>
      this.crash('restart'),
    );
  }

  /** Everything in memory is gone: no continuation of this incarnation ever runs again. */
  crash(why: 'crash' | 'restart' | 'failed start'): void {
    const { world } = this;
    const store = (this.house ?? this.#rising)?.store;
    if (store === undefined) return;
    world.count(why === 'crash' ? 'crashes' : 'restarts');
    world.tell(`${why.toUpperCase()} of incarnation ${this.#incarnation}`);
    world.schedule.living = null;
    this.house = null;
    this.#rising = null;
    store.crash();
    this.witness.disconnect(this.#incarnation);
    this.agents.lost();
    this.operators.lost();
    world.schedule.after(world.random.latency(5_000), 'world', 'start', () => this.rise());
  }

  rise(): void {
    const { world } = this;
    this.#incarnation++;
    this.#isDoomed = false;
    world.schedule.living = this.#incarnation;
    const house = new House(this.#ground, this.#incarnation);
    this.#rising = house;
    house.start().then(
      () => {
        world.tell(`incarnation ${this.#incarnation} is up`);
        this.house = house;
        this.#rising = null;
      },
      () => this.crash('failed start'),
    );
  }
}
