import { act } from '../../src/broker/act.ts';
import { ConnectorFailure, type Sink } from '../../src/domain/connector.ts';
import { SignalboxError } from '../../src/domain/errors.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Outcome, Proposal } from '../../src/domain/proposal.ts';
import { ASKED } from './bundles.ts';
import type { House } from './house.ts';
import type { Model } from './model.ts';
import type { World } from './world.ts';

type Asked = Pick<Proposal, 'runId' | 'tool' | 'arguments'> & Pick<Proposal, 'continuation'>;

const REMEMBERED = 12;
const MOST_AT_ONCE = 24;
/** What the record may say of a call that surely did nothing, where another replica settled it. */
const OVERTAKEN: readonly string[] = ['failed', 'refused', 'unknown'];

/** Agents: they ask, ask again, go away, and hold what they are told against what is durable at that moment. */
export class Agents {
  readonly #world: World;
  readonly #model: Model;
  #remembered: Asked[] = [];
  readonly #waiting = new Map<number, number>();

  constructor(world: World, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  /** Calls that are not answered yet, of incarnations that live. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, calls) => sum + calls, 0);
  }

  /** Their calls went down with the process. */
  lost(incarnation: number): void {
    this.#world.count('callsLost', this.#waiting.get(incarnation) ?? 0);
    this.#waiting.delete(incarnation);
  }

  propose(house: House): void {
    const { random, swarm } = this.#world;
    if (this.waiting >= MOST_AT_ONCE) return;
    const again = this.#remembered.length > 0 && random.chance(swarm.repeat);
    const asked = again ? random.pick(this.#remembered) : this.#fresh();
    if (asked === null) return;
    if (!again) this.#remember(asked);
    void this.call(house, asked);
  }

  /** One call, checked; null when it was answered by an error. */
  async call(house: House, asked: Asked): Promise<Outcome | null> {
    const world = this.#world;
    const { random, schedule } = world;
    const gone = new AbortController();
    const { incarnation } = house;
    if (random.chance(world.faults === world.swarm ? world.swarm.cancel : 0))
      schedule.after(random.latency(3_000), incarnation, 'the caller goes away', () => {
        world.count('cancels');
        gone.abort();
      });
    this.#wait(incarnation, 1);
    world.count('proposals');
    world.tell(`agent: ${asked.tool} ${JSON.stringify(asked.arguments)} in ${asked.runId}`);
    const proposal = { ...asked, via: 'sim', signal: gone.signal };
    try {
      const sink = random.chance(0.5) ? this.#sink(incarnation) : undefined;
      const outcome = await act(house.broker, proposal, sink);
      this.#told(house, asked, outcome);
      return outcome;
    } catch (error) {
      this.#refused(error, `${asked.tool} in ${asked.runId}`);
      return null;
    } finally {
      this.#wait(incarnation, -1);
    }
  }

  #wait(incarnation: number, more: 1 | -1): void {
    this.#waiting.set(incarnation, (this.#waiting.get(incarnation) ?? 0) + more);
  }

  /** Nothing but a SignalboxError with a code that says what to do may come out of the broker. */
  #refused(error: unknown, what: string): void {
    if (error instanceof SignalboxError && error.code !== 'INTERNAL') {
      this.#world.count(`error ${error.code}`);
      this.#world.tell(`agent: ${what} threw ${error.code}`);
    } else this.#world.broken('no_internal_fault', `${what} threw ${String(error)}`);
  }

  #told(house: House, asked: Asked, outcome: Outcome): void {
    const world = this.#world;
    const { kind, actionId } = outcome;
    world.count(`told ${kind}`);
    if (kind === 'refused') world.count(`refused ${outcome.refusal.code}`);
    world.tell(`agent: ${asked.tool} ${actionId} is ${kind}${codeOf(outcome)}`);
    const action = this.#model.actions.get(actionId);
    const isPreview = action?.record.purpose === 'preview';
    const what = `the agent is told that ${asked.tool} ${actionId} is ${kind}`;
    if (kind === 'done') {
      const { text, wants } = outcome.result;
      const told = text === '' ? wants?.state : (JSON.parse(text) as JsonObject).action;
      world.require(told === actionId, 'outcomes_are_true', `${what} with the result of ${told}`);
      world.require(
        action?.state === 'done',
        'no_effect_without_intent',
        `${what} and its record is ${action?.state ?? 'not durable'}`,
      );
      if (wants !== undefined) this.#answerTo(asked, wants.state);
    } else if (kind === 'unknown')
      // a replica whose store went silent, or that was overtaken, can say no more
      world.require(
        action?.state === kind || house.store.isDown || !house.store.alone,
        'outcomes_are_true',
        what,
      );
    else if (kind === 'failed' || (kind === 'refused' && action !== undefined))
      world.require(
        action?.state === kind ||
          action?.state === 'denied' ||
          (!house.store.alone && (isPreview || OVERTAKEN.includes(action?.state ?? ''))),
        'outcomes_are_true',
        `${what} and its record says ${action?.state ?? 'nothing'}`,
      );
    else if (kind === 'parked')
      world.require(this.#model.approvals.has(outcome.approvalId), 'outcomes_are_true', what);
  }

  #answerTo({ runId, tool, arguments: given }: Asked, state: string | null): void {
    const continuation = { responses: { why: 'because' }, state };
    this.#remember({ runId, tool, arguments: given, continuation });
  }

  #remember(asked: Asked): void {
    this.#remembered = [asked, ...this.#remembered].slice(0, REMEMBERED);
  }

  #fresh(): Asked | null {
    const { random } = this.#world;
    const runs = [...this.#model.runs.values()].filter(
      ({ state }) => state === 'live' || random.chance(0.1),
    );
    if (runs.length === 0) return null;
    const { id } = random.pick(runs);
    const rows = random.pick([0, 1, 1, 2, 3, 5, 6, 11]);
    const given: JsonObject = { target: `t${random.int(1, 4)}`, rows };
    const odd = random.chance(0.03) ? { surprise: true } : {};
    return { runId: id, tool: random.weighted(ASKED), arguments: { ...given, ...odd } };
  }

  /** A caller that can be told and asked, slow at times; what it hears must have its intent on disk. */
  #sink(incarnation: number): Sink {
    const world = this.#world;
    const hear = async (params: JsonObject): Promise<void> => {
      world.count('notices');
      const action = this.#model.actions.get(String(params.action));
      world.require(
        action !== undefined && (action.state === 'open' || world.swarm.replicas === 2),
        'no_effect_without_intent',
        `the agent hears of ${params.action}, whose record is ${action?.state ?? 'not durable'}`,
      );
      await world.schedule.wait(world.random.latency(200), incarnation, 'the caller listens');
      if (world.random.chance(0.05)) throw new Error('the caller takes no more');
    };
    return {
      capabilities: { elicitation: {} },
      logLevel: 'info',
      progress: true,
      tell: ({ params }) => hear(params),
      ask: async ({ params }) => {
        await hear(params);
        if (world.random.chance(0.2))
          throw new ConnectorFailure('CONNECTOR_REFUSED', 'the caller does not answer', 'none');
        return { action: 'accept' };
      },
    };
  }
}

function codeOf(outcome: Outcome): string {
  if (outcome.kind === 'refused') return ` (${outcome.refusal.code})`;
  return outcome.kind === 'failed' ? ` (${outcome.code})` : '';
}
