import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { VERSION_KEY } from '../../protocols/mcp/envelope.ts';
import {
  encodeHeader,
  type MirroredParam,
  NAMED,
  paramHeaders,
} from '../../protocols/mcp/mirror.ts';

/** One line of the client, read only as far as it has to be to carry it. The text goes on as it came. */
export interface Spoken {
  readonly text: string;
  /** Keys of the requests in it (`keyOf`): none for a notification or an answer, several for a batch. */
  readonly asked: readonly string[];
  /** Null for answers and batches. */
  readonly method: string | null;
  readonly params: JsonObject;
  /** The revision it names itself; null for the older ones, which name theirs once. */
  readonly modern: string | null;
}

const NOTHING: JsonObject = {};
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Ids as they are told apart: `1` and `"1"` are two. */
export const keyOf = (id: Json): string => JSON.stringify(id);

/** Throws SyntaxError for what is no message. */
export function readSpoken(line: Uint8Array): Spoken {
  let text: string;
  try {
    text = UTF8.decode(line).trim();
  } catch {
    throw new SyntaxError('the line is not UTF-8');
  }
  const value = JSON.parse(text) as Json;
  if (Array.isArray(value)) return { ...NEITHER, text, asked: value.flatMap(requestKey) };
  if (!isJsonObject(value)) throw new SyntaxError('expected a JSON object');
  const method = typeof value.method === 'string' ? value.method : null;
  const params = isJsonObject(value.params) ? value.params : NOTHING;
  const meta = isJsonObject(params._meta) ? params._meta : NOTHING;
  const version = meta[VERSION_KEY];
  const modern = typeof version === 'string' ? version : null;
  return { text, asked: requestKey(value), method, params, modern };
}

const NEITHER = { method: null, params: NOTHING, modern: null };

function requestKey(value: Json): string[] {
  if (!isJsonObject(value) || typeof value.method !== 'string' || value.id === undefined) return [];
  return [keyOf(value.id)];
}

/** The headers that mirror a message of the modern revision. */
export function mirrorHeaders(
  { method, params }: Spoken,
  version: string,
  mirrored: readonly MirroredParam[],
): Record<string, string> {
  const name = params[NAMED_HERE.get(method ?? '') ?? ''];
  const input = isJsonObject(params.arguments) ? params.arguments : NOTHING;
  return {
    'mcp-protocol-version': version,
    'mcp-method': method ?? '',
    ...(typeof name === 'string' ? { 'mcp-name': encodeHeader(name) } : {}),
    ...paramHeaders(mirrored, input),
  };
}

/** Those of the tasks extension too: the gateway does not speak it, its client may. */
const NAMED_HERE = new Map([
  ...NAMED,
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);
