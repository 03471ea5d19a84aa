import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { counts } from '../../examples/acme/schema.ts';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { beginRun, beginSubRun } from '../../src/broker/runs.ts';
import { undo } from '../../src/broker/undo.ts';
import { ConfigProblems } from '../../src/config/problems.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { Run } from '../../src/domain/run.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { storyOf } from '../../src/ledger/why.ts';
import { goldenLedger } from './golden.ts';
import type {
  Answers,
  Expected,
  Plans,
  Proposes,
  Scenario,
  Step,
  Target,
  Undoes,
} from './scenario.ts';
import { throughMcp } from './through-mcp.ts';
import type { World } from './world.ts';

/** What an agent saw of one proposal, whichever way it was made. */
export interface Seen {
  readonly outcome: string;
  readonly because: readonly string[];
  readonly result: JsonObject | null;
  /** What the agent reads. */
  readonly text: string;
}

/** One way for an agent to propose: in process, or over MCP with a run token. */
export interface Way {
  propose(tool: string, args: JsonObject): Promise<Seen>;
  /** What is said of a tool where tools are listed. */
  describe(tool: string): Promise<string>;
  close(): Promise<void>;
}

export type WayName = 'in-process' | 'mcp';

/** Plays every step, throws at the first that went otherwise, and gives back what the ledger says. */
export async function play(scenario: Scenario, world: World, wayName: WayName): Promise<string> {
  const player = new Player(scenario, world, wayName);
  try {
    return await player.play();
  } finally {
    await player.close();
  }
}

class Player {
  readonly #runs = new Map<string, string>();
  readonly #ways = new Map<string, Way>();
  readonly #named = new Map<string, Proposes>();
  readonly #scenario: Scenario;
  readonly #world: World;
  readonly #wayName: WayName;

  constructor(scenario: Scenario, world: World, wayName: WayName) {
    this.#scenario = scenario;
    this.#world = world;
    this.#wayName = wayName;
  }

  async play(): Promise<string> {
    const { broker } = this.#world.system;
    const before =
      (await broker.store.chains()).find(({ chain }) => chain === SYSTEM_CHAIN)?.length ?? 0;
    for (const [agent, asked] of Object.entries(this.#scenario.runs)) {
      const run = await this.#begin(agent, asked);
      this.#runs.set(agent, run.id);
      this.#ways.set(
        agent,
        this.#wayName === 'mcp'
          ? await throughMcp(this.#world, run)
          : inProcess(this.#world, run.id),
      );
    }
    for (const [index, step] of this.#scenario.steps.entries())
      await this.#step(step).catch((error: unknown) => {
        throw new Error(
          `step ${index + 1} (${this.#wayName}): ${error instanceof Error ? error.message : error}`,
          { cause: error },
        );
      });
    return goldenLedger(broker.store, this.#runs, before);
  }

  async #begin(agent: string, asked: Scenario['runs'][string]): Promise<Run> {
    const { broker } = this.#world.system;
    const { intent, budget = {}, under, tools } = asked;
    const wanted = { agent, intent, budget, ...(tools === undefined ? {} : { tools }) };
    if (under === undefined) return beginRun(broker, wanted);
    const parent = this.#runs.get(under);
    assert.ok(parent, `\`${under}\` has no run before \`${agent}\``);
    return beginSubRun(broker, { ...wanted, parent });
  }

  async close(): Promise<void> {
    for (const way of this.#ways.values()) await way.close();
  }

  async #step(step: Step): Promise<void> {
    const { broker } = this.#world.system;
    if ('proposes' in step) {
      if (step.as !== undefined) this.#named.set(step.as, step);
      this.#named.set('last', step);
      return this.#propose(step.agent, step, step.expect);
    }
    if ('repeats' in step)
      return this.#propose(step.agent, this.#proposal(step.repeats), step.expect);
    if ('elsewhere' in step)
      return void (await this.#world.postgres.query(step.elsewhere, [], this.#world.database));
    if ('waits' in step) return this.#wait(step.waits);
    if ('becomes' in step) return this.#world.servers.become(step.server, step.becomes);
    if ('plans' in step) return this.#plan(step);
    if ('reads' in step) {
      const way = this.#ways.get(step.agent);
      return holds(await way?.describe(step.reads), step);
    }
    if ('target' in step) return this.#target(step);
    if ('undoes' in step) return this.#undo(step);
    const because = step.because ?? 'scenario';
    if ('halts' in step)
      return void (await halt(broker, {
        scope: this.#scope(step.halts),
        reason: because,
        by: step.operator,
      }));
    if ('resumes' in step)
      return void (await resume(broker, {
        scope: this.#scope(step.resumes),
        reason: because,
        by: step.operator,
      }));
    return this.#answer(step);
  }

  async #propose(agent: string, { proposes }: Proposes, expect: Expected): Promise<void> {
    const way = this.#ways.get(agent);
    assert.ok(way, `agent \`${agent}\` has no run in this scenario`);
    const seen = await way.propose(proposes.tool, proposes.arguments);
    assert.equal(
      seen.outcome,
      expect.outcome,
      `expected outcome ${expect.outcome}, got ${JSON.stringify(seen)}`,
    );
    if (expect.because !== undefined) assert.deepEqual(seen.because, expect.because);
    if (expect.result !== undefined) assert.partialDeepStrictEqual(seen.result, expect.result);
    holds(seen.text, expect);
    if (expect.measured !== undefined) {
      const ask = await this.#ask(agent, proposes.tool);
      assert.partialDeepStrictEqual(ask?.measured?.effect, expect.measured);
    }
  }

  /** An edit of the file by whoever can: nothing of it is in force, and what it says is not started. */
  async #plan({ plans, refused }: Plans): Promise<void> {
    const { system, fill } = this.#world;
    const text = fill(stringify(plans, { aliasDuplicateObjects: false }));
    const said = await system.plan(text, 'signalbox.yaml', []).then(
      () => 'it was planned',
      (error: unknown) =>
        error instanceof ConfigProblems
          ? error.problems.map(({ code }) => code).join('+')
          : String((error as { code?: string }).code),
    );
    assert.equal(said, refused);
  }

  async #answer(step: Answers): Promise<void> {
    const name = step.approves ?? step.refuses ?? 'last';
    const { agent, proposes } = this.#proposal(name);
    const ask = await this.#ask(agent, proposes.tool, proposes.arguments);
    assert.ok(ask, `no open ask for \`${name}\``);
    await answer(this.#world.system.broker, {
      approvalId: ask.approval.id,
      answer: step.approves === undefined ? 'refused' : 'approved',
      by: step.operator,
      because: step.because ?? 'scenario',
      digest: ask.approval.digest,
    });
  }

  async #undo({ operator, undoes, under, approves = false, expect }: Undoes): Promise<void> {
    const { broker } = this.#world.system;
    const { agent, proposes } = this.#proposal(undoes);
    const told = await storyOf(broker.store, this.#runs.get(agent) ?? '');
    const done = told?.actions.findLast(
      ({ tool, purpose, outcome }) =>
        tool === proposes.tool && purpose === 'execute' && outcome.kind === 'done',
    );
    assert.ok(done, `\`${undoes}\` was not done`);
    for (;;) {
      const { steps } = await undo(broker, { id: done.id, as: under, by: operator });
      const [step] = steps;
      if (step?.run != null && ![...this.#runs.values()].includes(step.run))
        this.#runs.set(`undo${this.#runs.size}`, step.run);
      const ask = await broker.store.ask(step?.approval ?? '');
      if (!approves || step?.state !== 'asked' || ask === null) {
        assert.equal(step?.state, expect.outcome, JSON.stringify(step));
        return holds(step?.why ?? '', expect);
      }
      const { id: approvalId, digest } = ask.approval;
      const by = { by: operator, because: 'scenario' };
      await answer(broker, { approvalId, digest, answer: 'approved', ...by });
    }
  }

  async #ask(agent: string, tool: string, args?: JsonObject) {
    const asks = await this.#world.system.broker.store.asks({ limit: 100, state: 'pending' });
    return asks.find(
      (ask) =>
        ask.approval.binding.runId === this.#runs.get(agent) &&
        ask.approval.binding.tool === tool &&
        (args === undefined || JSON.stringify(ask.arguments) === JSON.stringify(args)),
    );
  }

  #wait(words: string): void {
    const [amount = '0', unit = ''] = words.split(' ');
    this.#world.clock.now +=
      Number(amount) * { seconds: 1_000, minutes: 60_000, hours: 3_600_000 }[unit as 'seconds'];
  }

  async #target({ target }: Target): Promise<void> {
    const { postgres, database, volumes } = this.#world;
    const rows = await counts(postgres, database);
    const { backupsDeleted, volumesDeleted } = volumes.counters();
    const known: { [what: string]: unknown } = {
      ...rows,
      removals: backupsDeleted + volumesDeleted,
    };
    for (const [what, expected] of Object.entries(target)) {
      const [, server, tool] = /^calls (\w+)\.(\w+)$/.exec(what) ?? [];
      if (server !== undefined && tool !== undefined) {
        assert.equal(this.#world.servers.calls(server, tool), expected, what);
        continue;
      }
      const query = what.includes(' ')
        ? await postgres.query({ text: what, rowMode: 'array' } as never, [], database)
        : null;
      const got = query === null ? known[what] : (query.rows[0] as unknown as unknown[])?.[0];
      assert.equal(got, expected, `at the target, \`${what}\` is ${got}, expected ${expected}`);
    }
  }

  #proposal(name: string): Proposes {
    const proposal = this.#named.get(name);
    assert.ok(proposal, `no proposal is named \`${name}\``);
    return proposal;
  }

  /** `run:support` is the run of that agent. */
  #scope(scope: string): string {
    const [kind, name = ''] = scope.split(':');
    return kind === 'run' ? `run:${this.#runs.get(name) ?? name}` : scope;
  }
}

function holds(text = '', { shows = [], hides = [] }: Pick<Expected, 'shows' | 'hides'>): void {
  for (const shown of shows)
    assert.ok(text.includes(shown), `it does not show \`${shown}\`: ${text}`);
  for (const hidden of hides) assert.ok(!text.includes(hidden), `it shows \`${hidden}\``);
}

function inProcess(world: World, runId: string): Way {
  return {
    async propose(tool, args) {
      const outcome = await act(world.system.broker, {
        runId,
        tool,
        arguments: args,
        via: 'scenario',
      });
      return {
        outcome: outcome.kind,
        because: outcome.kind === 'refused' ? outcome.refusal.reasons.map(({ code }) => code) : [],
        result: outcome.kind === 'done' ? (outcome.result.structured ?? null) : null,
        text: outcome.kind === 'done' ? (outcome.result.wire ?? outcome.result.text) : '',
      };
    },
    async describe(tool) {
      const { tools } = await world.system.broker.bundles.active();
      return tools[tool]?.description ?? '';
    },
    async close() {},
  };
}
