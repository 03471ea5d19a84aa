import { isHigher, type Mode } from '../../domain/mode.ts';
import { projectionOf } from '../arguments.ts';
import { argumentsRead } from '../arguments-read.ts';
import { wholeOf } from '../compile.ts';
import { type Asked, modeValue } from '../facts-schema.ts';
import { Uncompilable } from '../node.ts';
import { concerns, type Policy } from '../policy-set.ts';
import { modesFor } from '../ruling.ts';
import { groupsOf } from '../schema.ts';
import { EntityValue } from '../values.ts';
import { bool, type Ground } from './encode.ts';
import { known, type Symbolic } from './symbol.ts';
import { and, NO, not, or, type Term, written, YES } from './term.ts';
import { type Subject, World } from './world.ts';

/** Can an action of this tool come above a mode while something holds? */
export interface Question extends Subject {
  /** Every policy of the bundle; null: there are none, and nothing is asked of any. */
  readonly all: readonly Policy[] | null;
  /** It is above this that it must not come. */
  readonly above: Mode;
  /** A permit whose conditions say what must hold besides; null: nothing. */
  readonly when: Policy | null;
  /** Agents that the policies hold to nothing now or later: they are observed. */
  readonly lifted: readonly string[];
}

/** `never`: no action does, whatever its facts. `maybe`: the solver must say, or nothing is left to say. */
export type Answered =
  | { readonly kind: 'never' }
  | {
      readonly kind: 'maybe';
      readonly world: World;
      /** For the solver; null: it holds whatever the facts are. */
      readonly script: string | null;
      /** What of the script the question turns on, without what all actions are held to. */
      readonly about: string;
    };

/**
 * What the policies say of every action of one tool at once. A policy that is known to hold, or not to, for all of them is
 * settled here; the rest is left as a formula. It is wider than what can be, never narrower: `never` is a proof.
 */
export function asked(question: Question): Answered {
  const { all, when, tool } = question;
  const own = (all ?? []).filter((policy) => concerns(policy, tool));
  const args = argumentsRead(when === null ? own : [...own, when], projectionOf(tool.inputSchema));
  const world = new World(question, args);
  const way = reach(question, own, world);
  const formula = and(way, world.bounds);
  if (way === NO || formula === NO) return { kind: 'never' };
  const about = written(way);
  if (way === YES) return { kind: 'maybe', world, script: null, about };
  const body = written(formula);
  const declared = world.names.declared.filter((line) => isUsed(line.split(' ')[1] ?? '', body));
  return { kind: 'maybe', world, script: [...declared, `(assert ${body})`].join('\n'), about };
}

/** Does a name stand in this formula? */
export function isUsed(name: string, formula: string): boolean {
  return new RegExp(`[( ]${name}[ )]`).test(` ${formula} `);
}

function reach(question: Question, own: readonly Policy[], world: World): Term {
  const { all, above, lifted, tool } = question;
  const modes = modesFor(tool.effect).filter((mode) => isHigher(mode, above));
  const ways: Term[] = [];
  let sound: Term = YES; // no forbid above failed
  for (const mode of modes) {
    const ground = groundOf(question, world, mode);
    const holds = condition(question.when, ground);
    if (all === null) {
      ways.push(holds);
      continue;
    }
    const observed = or(...lifted.map((agent) => world.isAgent(agent)));
    ways.push(and(holds, observed));
    const rules = own.map((policy) => ({ policy, ...ruleOf(policy, ground) }));
    const forbids = rules.filter(({ policy }) => policy.effect !== 'permit');
    const permits = rules.filter(({ policy }) => policy.effect === 'permit');
    sound = and(sound, ...forbids.map(({ fails }) => not(fails)));
    ways.push(
      and(
        sound,
        holds,
        ...forbids.map((forbid) => not(forbid.holds)),
        or(...permits.map((permit) => and(permit.holds, not(permit.fails)))),
      ),
    );
  }
  return or(...ways);
}

function condition(when: Policy | null, ground: Ground): Term {
  if (when === null) return YES;
  const { holds, fails } = ruleOf(when, ground);
  return and(holds, not(fails));
}

function ruleOf({ tree }: Policy, ground: Ground): { readonly holds: Term; readonly fails: Term } {
  try {
    const { term: holds, fails } = bool(wholeOf(tree), ground);
    return { holds, fails };
  } catch (error) {
    if (!(error instanceof Uncompilable)) throw error;
    return { holds: ground.names.free(error.message), fails: ground.names.free(error.message) };
  }
}

function groundOf({ tool }: Question, world: World, mode: Asked): Ground {
  const groups = Object.entries(world.groups).map(([name, of]) => [name, { isThere: YES, of }]);
  const context: Symbolic = {
    kind: 'Record',
    fields: {
      ...Object.fromEntries(groups),
      mode: { isThere: YES, of: known(modeValue(mode)) },
    },
  };
  return {
    names: world.names,
    principal: world.agent,
    action: known(new EntityValue('Action', tool.name)),
    resource: known(new EntityValue('Connection', tool.connection)),
    context,
    groups: [tool.name, ...groupsOf(tool)],
  };
}
