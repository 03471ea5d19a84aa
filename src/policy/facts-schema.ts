import { type Connection, environmentOf, type Tool } from '../domain/bundle.ts';
import { DIMENSIONS } from '../domain/effect.ts';
import { mayLeave } from '../domain/outward.ts';
import { BOOL, type CedarType, LONG, required, STRING, setOf } from './cedar-type.ts';
import { EntityValue, type RecordValue, type Value } from './values.ts';

/*
 * What every policy may read, whatever the tool: the same typed record, all required, nothing null. The values below
 * `tool` are known when a bundle is loaded, everything else with each action.
 */

/** From most authority to least: in this order policies are asked. */
export const ASKED = ['auto', 'approve', 'stage', 'draft'] as const;
export type Asked = (typeof ASKED)[number];

/** Entity types with a closed list of ids, so that a misspelt one is found when a policy is written. */
export const ENUMS = {
  Mode: ASKED,
  Effect: ['read', 'write', 'destroy'],
  Reversibility: ['exercised', 'declared', 'none'],
  Proof: ['proven', 'unknown', 'untrusted'],
} as const;

function oneOf(name: keyof typeof ENUMS): CedarType {
  return { kind: 'Entity', name };
}

const TOOL = required({
  name: STRING,
  effect: oneOf('Effect'),
  reversibility: oneOf('Reversibility'),
  idempotent: BOOL,
  recoveryPath: BOOL,
  connection: STRING,
  kind: STRING,
  environment: STRING,
  production: BOOL,
  outward: BOOL,
});

/** What is known of the run, of time, of the effect (its cap; measured, once it is), and of where words came from. */
export const GROUPS = {
  run: required({
    declared: BOOL,
    depth: LONG,
    actors: setOf(STRING),
    onBehalf: BOOL,
    subject: STRING,
    ageSeconds: LONG,
  }),
  effect: required({
    measured: BOOL,
    ...Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, LONG])),
  }),
  clock: required({
    hour: LONG,
    minute: LONG,
    weekday: LONG,
    offHours: BOOL,
    frozen: BOOL,
  }),
  flow: required({
    egress: BOOL,
    private: BOOL,
    untrusted: BOOL,
    changesDestination: BOOL,
    proof: oneOf('Proof'),
    labels: setOf(STRING),
  }),
} as const;

/** The type of `context` for one tool. */
export function contextType(args: CedarType): CedarType {
  return required({ mode: oneOf('Mode'), tool: TOOL, ...GROUPS, args });
}

export function toolFacts(tool: Tool, connection: Connection | null): RecordValue {
  const environment = environmentOf(tool, connection);
  return {
    name: tool.name,
    effect: new EntityValue('Effect', tool.effect),
    reversibility: new EntityValue('Reversibility', tool.reversibility),
    idempotent: tool.idempotent,
    recoveryPath: tool.recoveryPath,
    connection: tool.connection,
    kind: connection?.kind ?? '',
    environment,
    production: environment === 'production',
    outward: connection === null || mayLeave(connection),
  };
}

export function modeValue(mode: Asked): Value {
  return new EntityValue('Mode', mode);
}
