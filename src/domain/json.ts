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

function listOf(values: readonly unknown[]): string {
  let text = '[';
  for (const [index, value] of values.entries())
    text += (index === 0 ? '' : ',') + canonical(value);
  return `${text}]`;
}

/** Plain loops and one growing text: every record of the ledger goes through here. */
function membersOf(value: { readonly [key: string]: unknown }): string {
  let text = '{';
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member === undefined) continue;
    if (text.length > 1) text += ',';
    text += `${quoted(key)}:${canonical(member)}`;
  }
  return `${text}}`;
}

/** A text as JSON says it. Throws a RangeError for one with a lone surrogate. */
export function quoted(text: string): string {
  if (!text.isWellFormed()) throw new RangeError('a text with a lone surrogate');
  return JSON.stringify(text);
}
