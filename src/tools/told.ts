import { isJsonObject, type Json } from '../domain/json.ts';

/** Longer values are described in reasons, never quoted. */
export const MAX_QUOTED = 40;

/** What came, in at most 40 characters. */
export function quoted(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string')
    return value.length <= MAX_QUOTED ? `\`${printable(value)}\`` : `a text of ${value.length}`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isJsonObject(value) ? 'an object' : `\`${String(value)}\``;
}

/** Reasons are shown in terminals and logs: what is not plainly visible is left out of them. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x5f\x61-\x7e\u00a1-\u00ac\u00ae-\u024f]/gu, '?');
}

/** The name of an argument. */
export function short(name: string): string {
  return printable(cut(name, MAX_QUOTED));
}

export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
