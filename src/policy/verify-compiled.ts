import { isJsonObject, type Json } from '../domain/json.ts';
import { attributesOf } from './arguments.ts';
import type { Attributes, CedarType } from './cedar-type.ts';
import { anyRecord, type Chance, chanceOf, type Pool, pick } from './chance.ts';
import { GROUPS } from './facts-schema.ts';
import type { Groups } from './node.ts';
import type { Policy } from './policy-set.ts';
import type { Answer, Reference } from './reference.ts';
import { modesFor } from './ruling.ts';
import { answerOf, questionOf, type ToolPolicies } from './tool-policies.ts';
import { EntityValue, type RecordValue } from './values.ts';

/** Where the compiled policies and the reference engine disagree. */
export interface Mismatch {
  readonly tool: string;
  readonly mode: string;
  readonly compiled: Answer;
  readonly reference: Answer;
}

/**
 * Asks both about made-up actions of one tool, one at each step: decision, reasons and errors must be the same. Null:
 * they are. Throws EngineFailure when the reference engine gives no answer.
 */
export function* verification(
  of: ToolPolicies,
  reference: Reference,
  { seed, cases }: { readonly seed: number; readonly cases: number },
): Generator<undefined, Mismatch | null> {
  const { compiled, tool, table } = of;
  if (compiled === null) return null;
  const chance = chanceOf(seed);
  const pool = poolOf([...table.values()]);
  const agents = [...pool.texts, 'agent'];
  for (let count = 0; count < cases; count++) {
    const agent = pick(chance, agents);
    const context = anyGroups(chance, of, pool);
    for (const mode of modesFor(tool.effect)) {
      const env = { agent: new EntityValue('Agent', agent), context };
      const mine = answerOf(compiled[mode], env);
      const theirs = reference.ask(of.slice, questionOf(of, agent, context, mode));
      if (!isSame(mine, theirs))
        return { tool: tool.name, mode, compiled: mine, reference: theirs };
    }
    yield;
  }
  return null;
}

export function isSame(one: Answer, other: Answer): boolean {
  return (
    one.allowed === other.allowed &&
    sorted(one.reasons) === sorted(other.reasons) &&
    sorted(one.errors) === sorted(other.errors)
  );
}

function sorted(ids: readonly string[]): string {
  return JSON.stringify(ids.toSorted());
}

export function anyGroups(chance: Chance, { constants, args }: ToolPolicies, pool: Pool): Groups {
  const group = (name: keyof typeof GROUPS, known: RecordValue = {}): RecordValue => ({
    ...anyRecord(chance, membersOf(GROUPS[name]), pool),
    ...known,
  });
  return {
    run: group('run'),
    effect: group('effect'),
    clock: group('clock', constants.clock),
    flow: group('flow', constants.flow),
    args: anyRecord(chance, attributesOf(args), pool),
  };
}

function membersOf(type: CedarType): Attributes {
  return type.kind === 'Record' ? type.attributes : {};
}

/** Every text and number that stands in these policies. */
export function poolOf(policies: readonly Policy[]): Pool {
  const texts = new Set<string>();
  const longs = new Set<number>([0, 1]);
  const visit = (value: Json): void => {
    if (typeof value === 'string') texts.add(value);
    else if (typeof value === 'number') longs.add(value);
    else if (Array.isArray(value)) for (const one of value) visit(one);
    else if (isJsonObject(value)) for (const one of Object.values(value)) visit(one);
  };
  for (const { tree } of policies) visit(tree.conditions as unknown as Json);
  return { texts: [...texts], longs: [...longs] };
}
