import { ConnectorFailure } from '../../domain/connector.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Column } from './binding.ts';
import type { Field, Row } from './exchange.ts';

/** OIDs of built-in types whose JSON form is not their text. They never change. */
const BOOL = 16;
const INT8 = 20;
const JSON_TYPES = new Set([114, 3802]);
const INTEGERS = new Set([20, 21, 23, 26]);
const FLOATS = new Set([700, 701]);
const NUMERIC = 1700;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;
/** Array type → element type. */
const ARRAYS: ReadonlyMap<number, number> = new Map([
  [1000, BOOL],
  [1005, 21],
  [1007, 23],
  [1016, INT8],
  [1021, 700],
  [1022, 701],
  [1231, NUMERIC],
  [1009, 25],
  [1015, 1043],
  [1014, 1042],
  [2951, 2950],
  [1115, TIMESTAMP],
  [1185, TIMESTAMPTZ],
  [1182, 1082],
  [199, 114],
  [3807, 3802],
]);
const MAX_ARRAY_DEPTH = 6;

/** Arguments as the server reads them, in the order of the parameters. An absent one is NULL. */
export function encodeArguments(
  parameters: readonly Column[],
  given: JsonObject,
): (string | null)[] {
  return parameters.map(({ name, type }) =>
    Object.hasOwn(given, name) ? encode(given[name], type) : null,
  );
}

function encode(value: Json | undefined, type: number): string | null {
  if (value === undefined || value === null) return JSON_TYPES.has(type) ? jsonNull(value) : null;
  if (JSON_TYPES.has(type)) return JSON.stringify(value);
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return arrayText(value, ARRAYS.get(type) ?? 0, 0);
  throw new ConnectorFailure(
    'CONNECTOR_REFUSED',
    'an object was given for a parameter that is no JSON',
    'none',
  );
}

/** A missing argument is SQL NULL, also where JSON has a null of its own. */
function jsonNull(value: null | undefined): string | null {
  return value === undefined ? null : 'null';
}

function arrayText(items: readonly Json[], element: number, depth: number): string {
  if (depth >= MAX_ARRAY_DEPTH)
    throw new ConnectorFailure('CONNECTOR_REFUSED', 'an array is nested too deeply', 'none');
  const texts = items.map((item) => {
    if (Array.isArray(item) && !JSON_TYPES.has(element)) return arrayText(item, element, depth + 1);
    const text = encode(item, element);
    return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${texts.join(',')}}`;
}

export function decodeRow(fields: readonly Field[], row: Row, from = 0): JsonObject {
  return Object.fromEntries(
    fields.map(({ name, type }, index) => [name, decode(row[from + index] ?? null, type)]),
  );
}

/**
 * Text of the server → JSON. Numbers that a double cannot hold exactly stay texts; times are ISO 8601 (UTC where the
 * type has a zone), bytes are hexadecimal `\x…`, everything else is the server's own text.
 */
export function decode(text: string | null, type: number): Json {
  if (text === null) return null;
  if (type === BOOL) return text === 't';
  if (INTEGERS.has(type)) return integer(text);
  if (FLOATS.has(type)) return Number.isFinite(Number(text)) ? Number(text) : text;
  if (type === NUMERIC) return decimal(text);
  if (type === TIMESTAMP) return text.replace(' ', 'T');
  if (type === TIMESTAMPTZ) return text.replace(' ', 'T').replace(/\+00$/, 'Z');
  if (JSON_TYPES.has(type)) return jsonOf(text);
  const element = ARRAYS.get(type);
  return element === undefined ? text : parseArray(text, element);
}

function integer(text: string): Json {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : text;
}

/** 12.50 is 12.5; 0.1 is 0.1; what has more digits than a double keeps stays a text, as do NaN and Infinity. */
function decimal(text: string): Json {
  const digits = text.replace(/[-.]/g, '').replace(/^0+/, '').replace(/e.*$/, '');
  const value = Number(text);
  const exact = digits.length <= 15 || String(value) === text;
  return Number.isFinite(value) && exact ? value : text;
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text, exactNumber as (key: string, value: unknown) => unknown) as Json;
  } catch {
    return text;
  }
}

function exactNumber(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || context.source === undefined) return value;
  return decimal(context.source);
}

function parseArray(text: string, element: number): Json {
  let at = text.startsWith('{') ? 0 : text.indexOf('=') + 1;
  const list = (): Json[] => {
    const items: Json[] = [];
    at++;
    while (at < text.length && text[at] !== '}') {
      if (text[at] === '{') items.push(list());
      else items.push(item());
      if (text[at] === ',') at++;
    }
    at++;
    return items;
  };
  const item = (): Json => {
    if (text[at] !== '"') {
      const end = /[,}]/.exec(text.slice(at))?.index ?? text.length - at;
      const word = text.slice(at, at + end);
      at += end;
      return word === 'NULL' ? null : decode(word, element);
    }
    let value = '';
    for (at++; at < text.length && text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      value += text[at];
    }
    at++;
    return decode(value, element);
  };
  return list();
}
