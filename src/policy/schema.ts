import type { SchemaJson, TypeOfAttribute } from '@cedar-policy/cedar-wasm/nodejs';
import type { Tool } from '../domain/bundle.ts';
import { attributesOf, type Projection } from './arguments.ts';
import { type CedarType, record } from './cedar-type.ts';
import { contextType, ENUMS } from './facts-schema.ts';

/** Groups of actions: policies say `action in Action::"effect:destroy"`. No tool can be called so. */
export function groupsOf({ effect, connection }: Tool): readonly string[] {
  return [`effect:${effect}`, `connection:${connection}`];
}

/** Cedar's schema of these tools: one action each, its context typed. `args` of a slice are those that are read. */
export function schemaOf(
  tools: readonly { readonly tool: Tool; readonly args: Projection }[],
): SchemaJson<string> {
  const groups = new Set(tools.flatMap(({ tool }) => groupsOf(tool)));
  const everyEffect = ['read', 'write', 'destroy'].map((effect) => `effect:${effect}`);
  return {
    '': {
      entityTypes: {
        Agent: {},
        Connection: {},
        ...Object.fromEntries(
          Object.entries(ENUMS).map(([name, ids]) => [name, { enum: [...ids] }]),
        ),
      },
      actions: {
        ...Object.fromEntries([...everyEffect, ...groups].map((group) => [group, {}])),
        ...Object.fromEntries(
          tools.map(({ tool, args }) => [
            tool.name,
            {
              memberOf: groupsOf(tool).map((id) => ({ id })),
              appliesTo: {
                principalTypes: ['Agent'],
                resourceTypes: ['Connection'],
                context: json(contextType(record(attributesOf(args)))),
              },
            },
          ]),
        ),
      },
    },
  };
}

function json(type: CedarType): TypeOfAttribute<string> {
  switch (type.kind) {
    case 'Bool':
      return { type: 'Boolean' };
    case 'Long':
    case 'String':
      return { type: type.kind };
    case 'Entity':
      return { type: 'Entity', name: type.name };
    case 'Set':
      return { type: 'Set', element: json(type.of) };
    case 'Record':
      return {
        type: 'Record',
        attributes: Object.fromEntries(
          Object.entries(type.attributes).map(([name, { type: inner, required }]) => [
            name,
            { ...json(inner), required },
          ]),
        ),
      };
  }
}
