import { attributesOf, type Projection } from './arguments.ts';
import { type Attributes, BOOL, record } from './cedar-type.ts';
import { type Asked, GROUPS, modeValue } from './facts-schema.ts';
import { dynamic, type Field, fault, type Groups, known, type Node, Uncompilable } from './node.ts';
import type { RecordValue } from './values.ts';

/** What is the same for every action of one tool in one bundle. */
export interface Fixed {
  readonly tool: string;
  /** Groups that its action is in. */
  readonly groups: readonly string[];
  readonly connection: string;
  readonly toolFacts: RecordValue;
  /** By group of the context: members that never differ. */
  readonly constants: { readonly [G in keyof Groups]?: RecordValue };
  readonly args: Projection;
}

/** What is known before the action comes. */
export interface Scope extends Fixed {
  readonly context: Node;
}

export function scopeOf(fixed: Fixed, mode: Asked): Scope {
  const fields: { [name: string]: Field } = {
    mode: { node: known(modeValue(mode)), isThere: known(true) },
    tool: { node: known(fixed.toolFacts), isThere: known(true) },
  };
  const types = { ...GROUPS, args: record(attributesOf(fixed.args)) };
  for (const group of Object.keys(types) as (keyof Groups)[]) {
    const type = types[group];
    const attributes = type.kind === 'Record' ? type.attributes : {};
    const node = groupNode(group, attributes, fixed.constants[group] ?? {});
    fields[group] = { node, isThere: known(true) };
  }
  const whole = (): never => {
    throw new Uncompilable('the context as a whole');
  };
  return { ...fixed, context: { run: whole, safe: false, type: null, fields, isWhole: true } };
}

function groupNode(group: keyof Groups, attributes: Attributes, constants: RecordValue): Node {
  const fields: { [name: string]: Field } = {};
  for (const [name, { type, required }] of Object.entries(attributes)) {
    const constant = Object.hasOwn(constants, name) ? constants[name] : undefined;
    fields[name] =
      constant === undefined
        ? {
            node: dynamic((env) => env.context[group][name] ?? fault(), required, type),
            isThere: required
              ? known(true)
              : dynamic((env) => env.context[group][name] !== undefined, true, BOOL),
          }
        : { node: known(constant), isThere: known(true) };
  }
  const type = record(attributes);
  return { ...dynamic((env) => env.context[group], true, type), fields };
}
