import { definitionOf } from '../../config/definition.ts';
import { isReserved, TOOL_NAME } from '../../config/names.ts';
import type { Catalogue } from '../../domain/connector.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import {
  type Described,
  type Labels,
  labelsOf,
  proposedClass,
} from '../../tools/classify/classify.ts';
import { foreignSchema } from '../../tools/foreign.ts';
import type { Taken } from './found.ts';
import { tightened } from './tightened.ts';

/** One tool of a server: what it seems to be, and what is asked to be accepted. */
export interface Offered {
  /** By its server's own name. */
  readonly name: string;
  readonly labels: Labels;
  readonly proposed: EffectClass;
  readonly inputSchema: JsonObject;
  /** Why it cannot be served, or is not wanted; null: it can. */
  readonly without: string | null;
}

/** A server that answered. */
export interface Answering {
  readonly taken: Taken;
  readonly catalogue: Catalogue;
  readonly tools: readonly Offered[];
}

const MAX_TIMEOUT_MS = 600_000;

/** Every tool with its labels. `classes`: what the operator said of some, by connection and tool. */
export function offered(
  taken: Taken,
  catalogue: Catalogue,
  classes: ReadonlyMap<string, EffectClass>,
): Answering {
  const { only, without } = taken.found.entry;
  const tools = catalogue.tools.map((definition): Offered => {
    const name = String(definition.name);
    const labels = labelsOf(describedOf(definition));
    const said = classes.get(`${taken.connection}.${name}`);
    const proposed = labels.recoveryPath ? 'destroy' : (said ?? proposedClass(labels));
    const off = (only !== null && !only.includes(name)) || without.includes(name);
    const fault = off
      ? 'its client had it switched off'
      : faultOf(definition, `${taken.connection}_${name}`);
    const { inputSchema } = describedOf(definition);
    return { name, labels, proposed, inputSchema, without: fault };
  });
  return { taken, catalogue, tools };
}

export function describedOf(definition: JsonObject): Described {
  const { name, title, description, inputSchema, annotations } = definition;
  return {
    name: String(name),
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    inputSchema: isJsonObject(inputSchema) ? inputSchema : {},
    ...(isJsonObject(annotations) ? { annotations } : {}),
  };
}

function faultOf(definition: JsonObject, served: string): string | null {
  if (!new RegExp(TOOL_NAME).test(served) || isReserved(served)) return 'its name cannot be used';
  try {
    foreignSchema(definitionOf(definition).inputSchema);
    return null;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** `serve` of its connection: nothing is below `destroy` but what was accepted; what only takes away needs no yes. */
export function servingOf({ taken, catalogue, tools }: Answering, accepted: boolean): JsonObject {
  const { timeoutMs } = taken.found.entry;
  const bounded = timeoutMs === null ? null : Math.min(Math.max(timeoutMs, 1_000), MAX_TIMEOUT_MS);
  const served = tools.map(({ name, proposed, without, labels, inputSchema }) => {
    if (without !== null) return [name, false];
    const effect = accepted ? proposed : 'destroy';
    const { authority, hide } = tightened(labels, effect, inputSchema);
    const more = {
      ...(authority.length === 0 ? {} : { authority }),
      ...(hide.length === 0 ? {} : { hide }),
      ...(bounded === null ? {} : { timeoutMs: bounded }),
    };
    return [name, Object.keys(more).length === 0 ? effect : { effect, ...more }];
  });
  return {
    tools: Object.fromEntries(served) as JsonObject,
    ...(accepted && catalogue.resources ? { resources: true } : {}),
    ...(accepted && catalogue.prompts.length > 0 ? { prompts: true } : {}),
  };
}

/** What an agent is granted of it: whatever is served, by patterns and names. */
export function grantedNames({ taken, catalogue, tools }: Answering, accepted: boolean): string[] {
  const { connection } = taken;
  return [
    ...(tools.some(({ without }) => without === null) ? [`${connection}_*`] : []),
    ...(accepted && catalogue.resources ? [`${connection}/resources`] : []),
    ...(accepted && catalogue.prompts.length > 0 ? [`${connection}/prompts`] : []),
  ];
}
