import { type Claim, prove } from '../../src/broker/prove.ts';
import type { Bundle } from '../../src/domain/bundle.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { isHigher } from '../../src/domain/mode.ts';
import type { Solver } from '../../src/domain/solver.ts';
import { realDoors } from '../../src/doors.ts';
import { judge } from '../../src/judge/judge.ts';
import { chanceOf, pick } from '../../src/policy/chance.ts';
import { ProofEngine } from '../../src/policy/prove/engine.ts';
import { randomPolicies } from '../../src/policy/testing/random-policies.ts';
import { bundleOf, factsOf, NOW, PAY_INPUT, RUN, toolOf } from '../../src/policy/testing/stage.ts';
import { createInputCheck } from '../../src/tools/input.ts';

export interface ProveDifferential {
  readonly sets: number;
  readonly proven: number;
  readonly counterexample: number;
  readonly unknown: number;
  /** Said to be proven, and an action of the small world comes so far all the same. */
  readonly wrong: readonly {
    readonly seed: number;
    readonly set: unknown;
    readonly action: unknown;
  }[];
  /** Reasons of what was left unknown, with how often. */
  readonly why: { readonly [why: string]: number };
}

const PAY = toolOf('pay', { inputSchema: PAY_INPUT });
const ABOVE = ['approve', 'draft', 'read'] as const;
const POLICIES = 4;

/**
 * Random policies, and a small world of actions each is asked about by the engine and the judge, beside what `prove` says
 * of all actions there are.
 */
export async function proveDifferential(
  solver: Solver,
  { seed, sets }: { readonly seed: number; readonly sets: number },
): Promise<ProveDifferential> {
  const parts = { doors: realDoors(), inputs: createInputCheck(), solver, patienceMs: 600_000 };
  const count = { proven: 0, counterexample: 0, unknown: 0 };
  const wrong: ProveDifferential['wrong'][number][] = [];
  const why: { [why: string]: number } = {};
  for (let at = 0; at < sets; at++) {
    const chance = chanceOf(seed + at);
    const random = randomPolicies(chance, POLICIES);
    const { base: _, ...others } = random;
    const set = chance() < 0.5 ? random : others;
    const bundle: Bundle = {
      ...bundleOf({ set }, { tools: [PAY] }),
      agents: { a: { name: 'a', owner: 'o' }, agent: { name: 'agent', owner: 'o' } },
      grants: ['a', 'agent'].map((agent) => ({ agent, tool: 'pay', rung: 'auto' as const })),
    };
    const above = pick(chance, ABOVE);
    const claim: Claim = { name: 'any', question: '', above, agent: null, tool: null, when: null };
    const [found] = await prove(parts, bundle, [claim]);
    if (found === undefined) continue;
    count[found.answer]++;
    for (const one of found.unknown) why[one.why] = (why[one.why] ?? 0) + 1;
    if (found.answer !== 'proven') continue;
    const floor = above === 'read' ? 'deny' : above;
    const action = smallWorld(bundle).find((facts) => isHigher(modeOf(bundle, facts), floor));
    if (action !== undefined) wrong.push({ seed: seed + at, set, action: seen(action) });
  }
  return { sets, ...count, wrong, why };
}

const engines = new WeakMap<Bundle, ProofEngine>();

function modeOf(bundle: Bundle, facts: Facts) {
  const engine = engines.get(bundle) ?? new ProofEngine(bundle);
  engines.set(bundle, engine);
  const policy = engine.rulingFor(facts);
  if (policy === undefined) throw new Error('the engines do not say the same');
  return judge({ ...facts, policy }).mode;
}

/** Every agent, with or without somebody it acts for, at several hours, with arguments that the policies speak of. */
function smallWorld(bundle: Bundle): Facts[] {
  const worlds: Facts[] = [];
  for (const agent of ['a', 'agent'])
    for (const other of [null, agent === 'a' ? 'agent' : 'a'])
      for (const amount of [0, 0.000003, 9.5, 4_611_686_018.427387])
        for (const to of ['', 'a', 'pay', 'x*y', 'é'])
          for (const rest of [{}, { note: 'a', count: 3 }, { note: 'https://a/', count: -2 }]) {
            const actsFor = other === null ? [] : [{ run: 'run_0', agent: other, budget: {} }];
            const run = { ...RUN, agent, actsFor, depth: actsFor.length };
            worlds.push(
              factsOf(bundle, 'pay', {
                ...{
                  run,
                  now: NOW + worlds.length * 3_600_000,
                  arguments: { amount, to, ...rest },
                },
              }),
            );
          }
  return worlds.map((facts) => ({
    ...facts,
    run:
      facts.run === null
        ? null
        : { ...facts.run, expiresAt: facts.now + 1, startedAt: facts.now - 3_000 },
  }));
}

function seen({ run, now, arguments: given }: Facts): unknown {
  return { agent: run?.agent, actsFor: run?.actsFor, now, arguments: given };
}
