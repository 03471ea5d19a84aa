import { answer } from '../../src/broker/answer.ts';
import { apply } from '../../src/broker/apply.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { beginRun, beginSubRun, endRun } from '../../src/broker/runs.ts';
import { SignalboxError } from '../../src/domain/errors.ts';
import type { Run } from '../../src/domain/run.ts';
import { AGENTS, anotherBundle, CONNECTIONS } from './bundles.ts';
import type { House } from './house.ts';
import type { Machine } from './machine.ts';
import type { Model } from './model.ts';
import type { World } from './world.ts';

const OWNER = { name: 'olga', role: 'owner' } as const;

/** People and clients around the agents: they answer, halt, resume, apply, start and end runs, at any moment. */
export class Operators {
  readonly #world: World;
  readonly #model: Model;
  readonly #busy = new Map<number, Set<object>>();

  constructor(world: World, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  /** Requests that are not answered yet. */
  get busy(): number {
    return [...this.#busy.values()].reduce((sum, requests) => sum + requests.size, 0);
  }

  lost(incarnation: number): void {
    this.#busy.delete(incarnation);
  }

  async answerSome(house: House): Promise<void> {
    const { broker } = house;
    const { random } = this.#world;
    const pending = this.#model.openApprovals().filter(({ state }) => state === 'pending');
    if (pending.length === 0) return;
    const { id, digest } = random.pick(pending);
    const wrong = random.chance(0.05);
    const approves = random.chance(0.85);
    await this.#ask(house, `answer ${id}`, () =>
      answer(broker, {
        approvalId: id,
        answer: approves ? 'approved' : 'refused',
        by: 'olga',
        because: 'simulated',
        digest: wrong ? `${digest}x` : digest,
      }),
    );
  }

  async halt(house: House, scope = this.#anyScope()): Promise<void> {
    const { broker } = house;
    await this.#ask(house, `halt ${scope}`, () =>
      halt(broker, { scope, reason: 'drill', by: 'olga' }),
    );
  }

  /** Whoever has a shell on that machine. */
  haltHere(machine: Machine): void {
    if (this.#world.random.chance(0.15)) machine.signal();
    else machine.write(this.#anyScope());
  }

  async resumeSome(house: House): Promise<void> {
    const standing = this.standing();
    if (standing.length > 0) await this.resume(house, this.#world.random.pick(standing));
  }

  async resume(house: House, scope: string): Promise<void> {
    const { broker } = house;
    await this.#ask(house, `resume ${scope}`, () =>
      resume(broker, { scope, reason: 'over', by: 'olga' }),
    );
  }

  /** Scopes under a halt. */
  standing(): string[] {
    const halts = [...this.#model.halts.values()].filter(({ state }) => state !== 'lifted');
    return [...new Set(halts.map(({ scope }) => scope))];
  }

  async applyAnother(house: House): Promise<void> {
    const active = this.#model.bundle?.digest ?? 'none';
    const { random, swarm } = this.#world;
    await this.apply(house, anotherBundle(random, swarm.looseLimits, active), active);
  }

  async apply(
    house: House,
    bundle: Parameters<typeof apply>[1]['bundle'],
    base: string,
  ): Promise<void> {
    await this.#ask(house, `apply ${bundle.digest.slice(0, 8)}`, () =>
      apply(house.broker, { bundle, base, widenings: [] }, OWNER),
    );
  }

  /** A run of an agent; now and then one under another run. */
  async begin(house: House, agent = this.#world.random.pick(AGENTS)): Promise<Run | null> {
    const { random } = this.#world;
    const live = [...this.#model.runs.values()].filter(({ state }) => state === 'live');
    if (live.length > 0 && random.chance(0.3)) await this.#beginUnder(house, random.pick(live));
    const intent = random.chance(0.2) ? '' : 'simulated';
    const budget = random.chance(0.2) ? { rowsWritten: 12 } : {};
    return this.#ask(house, `begin a run of ${agent}`, () =>
      beginRun(house.broker, { agent, intent, budget }),
    );
  }

  async endSome(house: House): Promise<void> {
    const live = [...this.#model.runs.values()].filter(({ state }) => state === 'live');
    if (live.length > 0) await this.end(house, this.#world.random.pick(live).id);
  }

  async end(house: House, runId: string): Promise<void> {
    const { broker } = house;
    await this.#ask(house, `end ${runId}`, () => endRun(broker, runId, 'simulated'));
  }

  async eraseSome(house: House): Promise<void> {
    const { broker } = house;
    const ended = [...this.#model.runs.values()].filter(({ state }) => state === 'ended');
    if (ended.length === 0) return;
    const { id } = this.#world.random.pick(ended);
    const at = this.#world.now;
    await this.#ask(house, `erase ${id}`, () =>
      broker.store.commit({ kind: 'ledger.erase', runId: id, reason: 'asked', by: 'olga', at }),
    );
  }

  /** Asks for what it may and may not have: wider ones are refused, and the watch would see one that was not. */
  async #beginUnder(house: House, parent: Run): Promise<void> {
    const { random } = this.#world;
    const agent = random.chance(0.5) ? random.pick(AGENTS) : null;
    const budget = random.chance(0.5) ? { rowsWritten: random.pick([2, 5, 12, 20]) } : {};
    const tools = random.chance(0.3) ? random.pick([['look'], ['look', 'change'], ['send']]) : null;
    const lifetimeMs = random.chance(0.3) ? random.pick([1_000, 60_000, 86_400_000]) : null;
    const asked = { parent: parent.id, agent, intent: 'simulated', budget, tools, lifetimeMs };
    await this.#ask(house, `begin a run under ${parent.id}`, () =>
      beginSubRun(house.broker, asked),
    );
  }

  #anyScope(): string {
    const { random } = this.#world;
    const kind = random.weighted({ all: 1, agent: 2, run: 4, tool: 4, connection: 2 });
    const runs = [...this.#model.runs.keys()];
    const named = {
      all: () => 'all',
      agent: () => `agent:${random.pick(AGENTS)}`,
      run: () => (runs.length === 0 ? 'all' : `run:${random.pick(runs)}`),
      tool: () => `tool:${random.pick(['look', 'change', 'send', 'bump'])}`,
      connection: () => `connection:${random.pick(CONNECTIONS)}`,
    };
    return named[kind]();
  }

  async #ask<T>({ incarnation }: House, what: string, work: () => Promise<T>): Promise<T | null> {
    const asked = {};
    const busy = this.#busy.get(incarnation) ?? new Set();
    this.#busy.set(incarnation, busy.add(asked));
    this.#world.tell(`operator: ${what}`);
    try {
      const done = await work();
      this.#world.tell(`operator: ${what}: ok`);
      return done;
    } catch (error) {
      if (!(error instanceof SignalboxError) || error.code === 'INTERNAL')
        this.#world.broken('no_internal_fault', `${what} threw ${String(error)}`);
      else this.#world.tell(`operator: ${what} threw ${error.code}`);
      return null;
    } finally {
      busy.delete(asked);
    }
  }
}
