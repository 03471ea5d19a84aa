import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { TargetError } from '../../domain/proposal.ts';
import { MAY_BE_INEXACT } from './exact.ts';

type Id = string | number;

/** One message of a server, as its client reads it. */
export type Heard =
  | { readonly kind: 'result'; readonly id: Id; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly id: Id | null; readonly error: TargetError }
  | {
      readonly kind: 'request';
      readonly id: Id;
      readonly method: string;
      readonly params: JsonObject;
    }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject };

const MAX_WORDS = 2_000;
const MAX_METHOD = 128;
const MAX_DATA = 16 * 1024;

/** Reads one message. Throws SyntaxError for what is none. */
export function readHeard(text: string): Heard {
  const value = parse(text);
  if (!isJsonObject(value)) throw new SyntaxError('expected an object');
  const { id, method } = value;
  if (typeof method === 'string') {
    if (method.length > MAX_METHOD) throw new SyntaxError('the name of a method is too long');
    const params = isJsonObject(value.params) ? value.params : {};
    if (id === undefined) return { kind: 'notification', method, params };
    if (!isId(id)) throw new SyntaxError('expected `id` to be a text or a number');
    return { kind: 'request', id, method, params };
  }
  if (isJsonObject(value.result)) {
    if (!isId(id)) throw new SyntaxError('expected `id` to be a text or a number');
    return { kind: 'result', id, result: value.result };
  }
  if (isJsonObject(value.error))
    return { kind: 'error', id: isId(id) ? id : null, error: errorOf(value.error) };
  throw new SyntaxError('expected a request, a notification or an answer');
}

/** Numbers that JavaScript cannot hold stay as they were written. */
function parse(text: string): Json {
  if (!MAY_BE_INEXACT.test(text)) return JSON.parse(text) as Json;
  return JSON.parse(text, asWritten) as Json;
}

function asWritten(_: string, value: Json, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context?.source ?? '';
  return String(value) === source ? value : JSON_RAW.rawJSON(source);
}

/** Node 24 has it; the language's type declarations do not yet. */
const JSON_RAW = JSON as unknown as { rawJSON(source: string): JsonObject };

function isId(id: Json | undefined): id is Id {
  return typeof id === 'string' ? id.length <= 256 : typeof id === 'number';
}

function errorOf({ code, message, data }: JsonObject): TargetError {
  const said = typeof message === 'string' ? message.slice(0, MAX_WORDS).toWellFormed() : '';
  const short = data !== undefined && isShort(data);
  return {
    code: Number.isSafeInteger(code) ? (code as number) : -32603,
    message: said,
    ...(short ? { data } : {}),
  };
}

/** False too for what is nested so deep that it cannot be written down. */
function isShort(data: Json): boolean {
  try {
    return JSON.stringify(data).length <= MAX_DATA;
  } catch {
    return false;
  }
}
