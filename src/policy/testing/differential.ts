import { chanceOf, pick } from '../chance.ts';
import { localTime } from '../local-time.ts';
import { readPolicy } from '../policy-set.ts';
import { Reference } from '../reference.ts';
import { modesFor } from '../ruling.ts';
import { answerOf, questionOf, toolPolicies } from '../tool-policies.ts';
import { EntityValue } from '../values.ts';
import { anyGroups, isSame, type Mismatch, poolOf } from '../verify-compiled.ts';
import { randomPolicies } from './random-policies.ts';
import { PAY_INPUT, toolOf } from './stage.ts';

export interface Differential {
  readonly cases: number;
  readonly mismatches: readonly (Mismatch & { readonly seed: number; readonly set: unknown })[];
  /** Cases in which some policy could not be evaluated. */
  readonly withErrors: number;
  readonly allowed: number;
  /** Sets that were left to the reference engine. */
  readonly uncompiled: number;
}

interface Given {
  readonly seed: number;
  readonly cases: number;
  /** Told now and then how many are done. */
  readonly told?: (done: number) => void;
}

const POLICIES = 4;
const ACTIONS = 10;

/** Random policies and random actions, each asked of both. The same seed gives the same cases. */
export function differential({ seed, cases, told = () => {} }: Given): Differential {
  const found = { cases: 0, mismatches: [] as Differential['mismatches'][number][] };
  let [withErrors, allowed, uncompiled] = [0, 0, 0];
  let reference = new Reference();
  const tool = toolOf('pay', { inputSchema: PAY_INPUT });
  for (let round = 0; found.cases < cases; round++) {
    if (round % 200 === 199) told(found.cases);
    if (round % 200 === 199) reference = new Reference(); // parsed sets are never given back
    const chance = chanceOf(seed + round);
    const set = randomPolicies(chance, POLICIES);
    const all = Object.entries(set).map(([id, text]) => readPolicy(reference, id, text));
    const policies = { set };
    const of = toolPolicies(all, tool, null, { policies, time: localTime(policies) });
    if (of.compiled === null) {
      uncompiled++;
      continue;
    }
    const pool = poolOf(all);
    for (let action = 0; action < ACTIONS; action++) {
      const agent = pick(chance, ['a', 'agent']);
      const context = anyGroups(chance, of, pool);
      for (const mode of modesFor(tool.effect)) {
        const mine = answerOf(of.compiled[mode], {
          agent: new EntityValue('Agent', agent),
          context,
        });
        const theirs = reference.ask(of.slice, questionOf(of, agent, context, mode));
        found.cases++;
        if (theirs.errors.length > 0) withErrors++;
        if (theirs.allowed) allowed++;
        if (!isSame(mine, theirs))
          found.mismatches.push({
            ...{ tool: tool.name, mode, compiled: mine, reference: theirs },
            ...{ seed: seed + round, set },
          });
      }
    }
  }
  return { ...found, withErrors, allowed, uncompiled };
}
