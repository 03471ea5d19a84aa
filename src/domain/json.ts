export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Canonical bytes by RFC 8785 (sorted keys, ECMAScript numbers, no spaces). `undefined` members are absent.
 * Throws a RangeError for what JSON cannot say (NaN, infinities, lone surrogates): two readers must never differ.
 */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return spelled(value);
  const sorted = inOrder(value);
  const text = sorted === null ? null : JSON.stringify(sorted);
  // `\ud` begins the escape of a lone surrogate, or ends in a backslash of somebody's text.
  return text === null || text.includes('\\ud') ? spelled(value) : text;
}

/** Member by member: what JSON.stringify cannot be trusted with. */
function spelled(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new RangeError('a number that JSON cannot hold');
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return listOf(value);
  if (typeof value === 'object') return membersOf(value as { readonly [key: string]: unknown });
  throw new RangeError(`a ${typeof value} that JSON cannot hold`);
}

/**
 * The same value with its members in order, itself where they are. Null when JSON.stringify would not say it as we
 * must: names that objects order by themselves (digits first), `__proto__`, objects that are more than their members.
 * Throws nothing but a RangeError for what JSON cannot say.
 */
function inOrder(value: object): object | null {
  if (Array.isArray(value)) return listInOrder(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return null;
  const members = value as { readonly [key: string]: unknown };
  const keys = Object.keys(members);
  let last = '';
  let isSorted = true;
  for (const key of keys) {
    if (isDigit(key.charCodeAt(0)) || key === '__proto__') return null;
    if (key < last) isSorted = false;
    last = key;
  }
  if (!isSorted) keys.sort();
  let copy: { [key: string]: unknown } | null = isSorted ? null : {};
  for (const [index, key] of keys.entries()) {
    const was = members[key];
    const is = typeof was === 'object' && was !== null ? inOrder(was) : plain(was);
    if (is === null && was !== null) return null;
    if (copy === null && is !== was) {
      copy = {};
      for (const before of keys.slice(0, index)) copy[before] = members[before];
    }
    if (copy !== null) copy[key] = is;
  }
  return copy ?? value;
}

function listInOrder(values: readonly unknown[]): readonly unknown[] | null {
  let copy: unknown[] | null = null;
  for (let index = 0; index < values.length; index++) {
    const was = values[index];
    if (was === undefined) throw new RangeError('an undefined value that JSON cannot hold');
    const is = typeof was === 'object' && was !== null ? inOrder(was) : plain(was);
    if (is === null && was !== null) return null;
    if (copy === null && is !== was) copy = values.slice(0, index);
    copy?.push(is);
  }
  return copy ?? values;
}

/** A member that is no object; `undefined` is one that is absent. */
function plain(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new RangeError('a number that JSON cannot hold');
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol')
    throw new RangeError(`a ${typeof value} that JSON cannot hold`);
  return value;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function listOf(values: readonly unknown[]): string {
  let text = '[';
  for (const [index, value] of values.entries()) text += (index === 0 ? '' : ',') + spelled(value);
  return `${text}]`;
}

function membersOf(value: { readonly [key: string]: unknown }): string {
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    if (text.length > 1) text += ',';
    text += `${quoted(key)}:${spelled(member)}`;
  }
  return `${text}}`;
}

/** A text as JSON says it. Throws a RangeError for one with a lone surrogate. */
export function quoted(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('a text with a lone surrogate');
  return JSON.stringify(text);
}

/** What a text says as JSON; null for one that is none. */
export function jsonIn(text: string): Json | null {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return null;
  }
}
