import type { Connection, Tool } from '../../domain/bundle.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Continuation } from '../../domain/proposal.ts';
import { type MirroredParam, paramsOfBinding } from '../../protocols/mcp/mirror.ts';
import { inwardUri } from '../../protocols/mcp/upstream-uri.ts';
import { type NarrowedInput, narrowedInput } from '../../tools/narrow/input.ts';
import { narrowingIn } from '../../tools/narrow/narrowing.ts';
import { type ResultParts, resultParts } from '../../tools/narrow/result.ts';
import { definitionDigest } from './definitions.ts';

/** What one call asks of its server. */
export interface Request {
  readonly method: string;
  /** Members of `params` but `_meta`, serialised. */
  readonly members: string;
  readonly name: string | null;
  /** The pinned definition that must still be the live one; null when there is none to compare. */
  readonly pinned: Pinned | null;
  /** A change of what is watched, which is no request of its own on modern servers. */
  readonly watch: { readonly uri: string; readonly on: boolean } | null;
}

export interface Pinned {
  readonly what: 'tools' | 'prompts';
  readonly name: string;
  readonly digest: string;
  /** Of the definition without its words, where those may change; null: not one character may. */
  readonly shape: string | null;
}

/** A tool as its binding says it, prepared once. */
export interface Plan {
  readonly params: readonly MirroredParam[];
  /** What is handed on of a result; null: all of it. */
  readonly parts: ResultParts | null;
  /** Hidden characters of a result are handed on as they came; else they are written out. */
  readonly keepsHidden: boolean;
  /** The arguments as they are sent: with what the operator fixed. */
  whole(input: JsonObject, key: string): JsonObject;
  /** `input`: whole. */
  request(connection: Connection, input: JsonObject, continuation: Continuation | null): Request;
}

/** Throws ConnectorFailure for a binding that no loader would have made. */
export function planOf(tool: Tool): Plan {
  const { binding } = tool;
  switch (binding.mcp) {
    case 'tools/call':
      return toolPlan(tool);
    case 'resources':
      return { ...AS_GIVEN, request: resourceRequest };
    case 'prompts':
      return promptPlan(tool);
  }
  throw refused('its binding is none of this connector');
}

const AS_GIVEN = {
  params: [],
  parts: null,
  keepsHidden: false,
  whole: (input: JsonObject) => input,
} as const;

function toolPlan(tool: Tool): Plan {
  const { name, definition, shape, headers } = tool.binding;
  if (typeof name !== 'string' || typeof definition !== 'string')
    throw refused('its binding names no tool of the server');
  const head = `"name":${JSON.stringify(name)},"arguments":`;
  const pinned: Pinned = {
    what: 'tools',
    name,
    digest: definition,
    shape: typeof shape === 'string' ? shape : null,
  };
  const narrowed = narrowedOf(tool);
  return {
    params: paramsOfBinding(headers),
    parts: resultParts(narrowingIn(tool.binding)),
    keepsHidden: tool.binding.keepHidden === true,
    whole: narrowed === null ? AS_GIVEN.whole : narrowed.sent,
    request: (_, input, continuation) => ({
      method: 'tools/call',
      members: head + JSON.stringify(input) + roundOf(continuation),
      name,
      pinned,
      watch: null,
    }),
  };
}

function narrowedOf(tool: Tool): NarrowedInput | null {
  try {
    return narrowedInput(tool);
  } catch {
    throw refused('its narrowing cannot be read');
  }
}

/** The answers to a server's questions, and its own state with them. */
function roundOf(continuation: Continuation | null): string {
  if (continuation === null) return '';
  const { responses, state } = continuation;
  const said = state === null ? '' : `,"requestState":${JSON.stringify(state)}`;
  return `,"inputResponses":${JSON.stringify(responses)}${said}`;
}

function resourceRequest(
  connection: Connection,
  input: JsonObject,
  continuation: Continuation | null,
): Request {
  const { uri, subscribe, list, cursor, complete } = input;
  if (typeof uri === 'string') {
    const inner = inwardUri(connection, uri);
    const members = `"uri":${JSON.stringify(inner)}`;
    if (typeof subscribe === 'boolean')
      return plain('', members, { watch: { uri: inner, on: subscribe } });
    const round = members + roundOf(continuation);
    return plain('resources/read', round, { name: inner });
  }
  const from = typeof cursor === 'string' ? `"cursor":${JSON.stringify(cursor)}` : '';
  if (list === 'resources') return plain('resources/list', from);
  if (list === 'templates') return plain('resources/templates/list', from);
  if (isJsonObject(complete) && typeof complete.uri === 'string')
    return completion({ type: 'ref/resource', uri: inwardUri(connection, complete.uri) }, complete);
  throw refused('expected `uri`, `list` or `complete`');
}

function promptPlan({ listing, name: toolName }: Tool): Plan {
  const pinned = new Map<string, Pinned>();
  for (const each of Array.isArray(listing?.prompts) ? (listing.prompts as Json[]) : [])
    if (isJsonObject(each) && typeof each.name === 'string')
      pinned.set(each.name, {
        what: 'prompts',
        name: each.name,
        digest: definitionDigest(each),
        shape: null,
      });
  const find = (connection: Connection, name: Json | undefined): Pinned => {
    const { toolPrefix } = connection.settings;
    const prefix = typeof toolPrefix === 'string' ? toolPrefix : '';
    const said = String(name);
    const found =
      (said.startsWith(prefix) ? pinned.get(said.slice(prefix.length)) : undefined) ??
      pinned.get(said);
    if (found === undefined) throw refused(`\`${toolName}\` has no prompt of this name`);
    return found;
  };
  return {
    ...AS_GIVEN,
    request(connection, input, continuation) {
      const { name, arguments: given, complete } = input;
      if (isJsonObject(complete)) {
        const prompt = find(connection, complete.name);
        return completion({ type: 'ref/prompt', name: prompt.name }, complete, prompt);
      }
      const prompt = find(connection, name);
      const values = given === undefined ? '' : `,"arguments":${JSON.stringify(given)}`;
      const members = `"name":${JSON.stringify(prompt.name)}${values}${roundOf(continuation)}`;
      return plain('prompts/get', members, { name: prompt.name, pinned: prompt });
    },
  };
}

function completion(ref: JsonObject, complete: JsonObject, pinned: Pinned | null = null): Request {
  const { argument, context } = complete;
  const said = {
    ref,
    argument: argument ?? null,
    ...(context === undefined ? {} : { context }),
  };
  return plain('completion/complete', JSON.stringify(said).slice(1, -1), { pinned });
}

function plain(method: string, members: string, more: Partial<Request> = {}): Request {
  return { method, members, name: null, pinned: null, watch: null, ...more };
}

function refused(why: string): ConnectorFailure {
  return new ConnectorFailure('CONNECTOR_REFUSED', `the request cannot be made: ${why}`, 'none');
}
