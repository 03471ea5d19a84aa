import type { Bundle, Tool } from '../domain/bundle.ts';
import type { Doors } from '../domain/doors.ts';
import type { JsonObject } from '../domain/json.ts';
import { isHigher, type Mode, type Rung } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import type { Solver } from '../domain/solver.ts';
import { CHECKS, judge } from '../judge/judge.ts';
import { isLifted } from '../judge/observe.ts';
import type { Policy } from '../policy/policy-set.ts';
import { ProofEngine } from '../policy/prove/engine.ts';
import { momentOf } from '../policy/prove/moment.ts';
import { type Picture, pictured, wanted } from '../policy/prove/picture.ts';
import { type Answered, asked } from '../policy/prove/question.ts';
import type { InputCheck } from './broker.ts';
import { rungOf } from './gather.ts';
import { type Example, exampleFacts } from './prove-example.ts';

/** Something that must not be: an action above this rung while the condition (in Cedar) holds. Null: of all, always. */
export interface Claim {
  readonly name: string;
  readonly question: string;
  readonly above: Rung;
  readonly agent: string | null;
  readonly tool: string | null;
  readonly when: string | null;
}

/** An action that the judge lets come so far: asked of it, and of both policy engines, before it is told. */
export interface Counterexample {
  readonly agent: string;
  readonly tool: string;
  readonly mode: Mode;
  readonly at: string;
  readonly arguments: JsonObject;
  readonly run: JsonObject;
  /** What its run has read, where the tool declares lineage. */
  readonly seen: readonly string[] | null;
  /** The policies that decide, and why; those that permit it where nothing is held down. */
  readonly policies: readonly string[];
  readonly reason: string;
  /** Its agent is observed then: policies hold nothing. */
  readonly observed: boolean;
}

export interface Proven {
  readonly name: string;
  readonly question: string;
  readonly above: Rung;
  readonly answer: 'proven' | 'counterexample' | 'unknown';
  /** How many tools were settled by what: grants and the reversibility gate, evaluation of the policies, the solver. */
  readonly settled: {
    readonly grants: number;
    readonly evaluation: number;
    readonly solver: number;
  };
  readonly counterexample: Counterexample | null;
  readonly unknown: readonly { readonly tool: string; readonly why: string }[];
  readonly ms: number;
}

export interface ProofParts {
  readonly doors: Pick<Doors, 'clock' | 'timers'>;
  readonly inputs: InputCheck;
  readonly solver: Solver;
  /** After so long what is left is unknown. */
  readonly patienceMs: number;
}

/**
 * Whether it can be, over every agent, tool, argument and fact. Grants and the reversibility gate come first, then the
 * policies as far as they are known beforehand, then a solver. `proven` is said only of what is wider than what can be;
 * `counterexample` only of what judge and engines say too; everything else is `unknown`. What can only lower an action
 * further (limits, loops, halts, consults, what is measured before it commits) are left out: they only make less possible.
 */
export async function prove(
  parts: ProofParts,
  bundle: Bundle,
  claims: readonly Claim[],
): Promise<readonly Proven[]> {
  const engine = new ProofEngine(bundle);
  const until = parts.doors.clock.monotonic() + parts.patienceMs;
  const proven: Proven[] = [];
  for (const claim of claims)
    proven.push(await new Proof(parts, bundle, engine, claim).over(until));
  return proven;
}

/** Who may propose a tool so that it could come above the rung that is asked about. */
interface Able {
  readonly agent: string;
  readonly rung: Rung;
}

const FIRST_CHECKS = ['grant', 'reversibility'];
const MOST_TRIED = 8;

class Proof {
  readonly #parts: ProofParts;
  readonly #bundle: Bundle;
  readonly #engine: ProofEngine;
  readonly #claim: Claim;
  readonly #above: Mode;
  readonly #when: Policy | null;
  readonly #settled = { grants: 0, evaluation: 0, solver: 0 };
  readonly #unknown: { tool: string; why: string }[] = [];
  readonly #first = new Map([...CHECKS].filter(([name]) => FIRST_CHECKS.includes(name)));

  constructor(parts: ProofParts, bundle: Bundle, engine: ProofEngine, claim: Claim) {
    this.#parts = parts;
    this.#bundle = bundle;
    this.#engine = engine;
    this.#claim = claim;
    this.#above = claim.above === 'read' ? 'deny' : claim.above;
    this.#when = claim.when === null ? null : engine.condition(claim.when);
  }

  async over(until: number): Promise<Proven> {
    const { clock, timers } = this.#parts.doors;
    const { name, question, above } = this.#claim;
    const started = clock.monotonic();
    let found: Counterexample | null = null;
    for (const tool of Object.values(this.#bundle.tools)) {
      if (this.#claim.tool !== null && tool.name !== this.#claim.tool) continue;
      await new Promise<void>((resolve) => timers.after(0, resolve)); // calls have their turn
      if (clock.monotonic() > until) this.#leave(tool, 'time ran out before it was looked at');
      else found = await this.#ofTool(tool);
      if (found !== null) break;
    }
    const answer =
      found !== null ? 'counterexample' : this.#unknown.length > 0 ? 'unknown' : 'proven';
    return {
      ...{ name, question, above, answer, settled: this.#settled, counterexample: found },
      unknown: this.#unknown,
      ms: Math.round(clock.monotonic() - started),
    };
  }

  #leave(tool: Tool, why: string): null {
    this.#unknown.push({ tool: tool.name, why });
    return null;
  }

  async #ofTool(tool: Tool): Promise<Counterexample | null> {
    const able = this.#able(tool);
    const agents = able
      .map(({ agent }) => agent)
      .filter((agent) => this.#claim.agent === null || agent === this.#claim.agent);
    if (agents.length === 0) {
      this.#settled.grants++;
      return null;
    }
    const now = this.#parts.doors.clock.now();
    const { connections, policies = { set: {} }, users = {} } = this.#bundle;
    const answered = asked({
      ...{ tool, policies, agents, now, above: this.#above, when: this.#when },
      connection: own(connections, tool.connection),
      all: this.#engine.all,
      actors: able.map(({ agent }) => agent),
      users: Object.values(users)
        .filter((user) => this.#ways(tool).some((name) => user.tools.includes(name)))
        .map(({ name }) => name),
      lifted: agents.filter((agent) => isLifted(this.#bundle, agent, tool, now)),
    });
    if (answered.kind === 'never') {
      this.#settled.evaluation++;
      return null;
    }
    return this.#example(tool, able, agents, answered);
  }

  /** Tools by whose grant it is called: itself, and those that it is the preview of. */
  #ways(tool: Tool): readonly string[] {
    if (tool.effect !== 'read') return [tool.name];
    const others = Object.values(this.#bundle.tools);
    const shown = others.filter(({ preview }) => preview?.tool === tool.name);
    return [tool.name, ...shown.map(({ name }) => name)];
  }

  #able(tool: Tool): readonly Able[] {
    return Object.keys(this.#bundle.agents).flatMap((agent) => {
      const run = { agent, actsFor: [] };
      const own = rungOf(this.#bundle, run, tool.name);
      const isShown = this.#ways(tool).some((name) => rungOf(this.#bundle, run, name) !== null);
      const able = own ?? (isShown ? 'read' : null);
      if (able === null) return [];
      const at = this.#parts.doors.clock.now();
      const facts = this.#facts({ agent, tool, at, picture: new Map(), rung: able });
      // the gate looks at arguments too; the widest is what it says of a tool alone
      const mode = judge({ ...facts, removes: null }, this.#first).mode;
      return isHigher(mode, this.#above) ? [{ agent, rung: able }] : [];
    });
  }

  #facts(example: Example) {
    return exampleFacts(this.#bundle, this.#parts.inputs, example);
  }

  async #example(
    tool: Tool,
    able: readonly Able[],
    agents: readonly string[],
    { world, script, about }: Extract<Answered, { kind: 'maybe' }>,
  ): Promise<Counterexample | null> {
    const terms = wanted(world, about);
    let picture: Picture = new Map();
    if (script !== null) {
      const solved = await this.#parts.solver.solve(script, terms);
      if (solved.kind === 'never') {
        this.#settled.solver++;
        return null;
      }
      if (solved.kind === 'unknown') return this.#leave(tool, solved.why);
      picture = pictured(world, terms, solved.values);
    }
    const named = picture.get('agent');
    const chosen = typeof named === 'string' ? [named] : agents.slice(0, MOST_TRIED);
    let why = 'no example was found that stands up to the judge';
    for (const agent of chosen)
      for (const tried of [picture, new Map([...picture, ['flow.proof', 'proven'] as const])]) {
        const rung = able.find((one) => one.agent === agent)?.rung ?? null;
        const found = this.#confirmed(tool, agent, rung, tried);
        if (typeof found !== 'string') return found;
        why = found;
      }
    const { uncovered } = world.names;
    const besides =
      uncovered.size === 0 ? '' : `; beyond what is read: ${[...uncovered].join(', ')}`;
    return this.#leave(tool, `${why}${besides}`);
  }

  /** Or why it is none. */
  #confirmed(
    tool: Tool,
    agent: string,
    rung: Rung | null,
    picture: Picture,
  ): Counterexample | string {
    const now = this.#parts.doors.clock.now();
    const { policies = { set: {} }, agents } = this.#bundle;
    const observing = isLifted(this.#bundle, agent, tool, now) ? agents[agent]?.observe : undefined;
    const at = momentOf(policies, picture, Math.max(now, observing?.from ?? now));
    if (at === null) return 'the example needs a time that does not come';
    const facts = this.#facts({ agent, tool, at, picture, rung });
    const [problem] = facts.inputProblems;
    if (problem !== undefined) return `no arguments were found that fit its schema: ${problem}`;
    const ruling = this.#engine.rulingFor(facts);
    if (ruling === undefined) return 'the two policy engines do not say the same';
    const decision = judge({ ...facts, policy: ruling });
    const held = decision.verdicts.find(({ ceiling }) => !isHigher(ceiling, this.#above));
    if (held !== undefined)
      return `in the example that was found \`${held.check}\` holds it down: ${held.reason}`;
    if (!isHigher(decision.mode, this.#above)) return 'the example does not come so far';
    if (this.#when !== null && !this.#engine.holds(this.#when, facts, decision.mode))
      return 'the condition does not hold of the example';
    const { run, lineage } = facts;
    return {
      ...{ agent, tool: tool.name, mode: decision.mode, at: new Date(at).toISOString() },
      arguments: facts.arguments,
      run: {
        ...{ depth: run?.depth ?? 0, actsFor: run?.actsFor.map((above) => above.agent) ?? [] },
        ...{ subject: run?.subject ?? null, declared: picture.get('run.declared') !== false },
        ageSeconds: Math.round((at - (run?.startedAt ?? at)) / 1_000),
      },
      seen: lineage?.seen ?? null,
      policies: ruling?.policies ?? [],
      reason: ruling?.reason ?? 'there are no policies',
      observed: decision.verdicts.some(({ would }) => would !== undefined),
    };
  }
}
