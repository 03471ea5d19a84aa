import type { Question } from '../../domain/connector.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Id } from './message.ts';

/**
 * The capability that a client must have declared to be asked this, as the object that would declare it; null for what
 * is no question to a client at all.
 */
export function capabilityFor({ method, params }: Question): JsonObject | null {
  switch (method) {
    case 'elicitation/create':
      return { elicitation: params.mode === 'url' ? { url: {} } : { form: {} } };
    case 'sampling/createMessage':
      return {
        sampling:
          params.tools === undefined && params.toolChoice === undefined ? {} : { tools: {} },
      };
    case 'roots/list':
      return { roots: {} };
    default:
      return null;
  }
}

/** The part of `wanted` that was not declared; null when all of it was. */
export function undeclared(wanted: JsonObject, declared: JsonObject): JsonObject | null {
  for (const [kind, modes] of Object.entries(wanted)) {
    const has = declared[kind];
    if (!isJsonObject(has)) return { [kind]: modes };
    for (const mode of Object.keys(modes as JsonObject))
      if (!Object.hasOwn(has, mode) && !(mode === 'form' && !Object.hasOwn(has, 'url')))
        return { [kind]: modes };
  }
  return null;
}

/** One of a target's questions, by its key; null for what is none. */
export function questionIn(value: Json | undefined): Question | null {
  if (!isJsonObject(value) || typeof value.method !== 'string') return null;
  const params = value.params ?? {};
  return isJsonObject(params) ? { method: value.method, params } : null;
}

/** A question as a request to a client that keeps its stream open. */
export function questionText(id: Id, { method, params }: Question): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}
