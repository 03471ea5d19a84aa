import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Print } from './trail.ts';

/** Of a longer text both ends and its length are looked at. */
const WHOLE = 16_384;
const END = 8_192;
/** Texts that may differ in a time or a counter alone and still say the same. */
const SHORT = 256;

export function printOf(text: string): Print {
  const exact =
    text.length <= WHOLE
      ? hash('sha256', text, 'base64url')
      : hash('sha256', `${text.length} ${text.slice(0, END)}${text.slice(-END)}`, 'base64url');
  return { exact, blind: text.length <= SHORT ? blindOf(text) : exact };
}

/** FNV-1a over everything but digits; nobody gains by making two of them equal. */
function blindOf(text: string): string {
  let found = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) found = Math.imul(found ^ code, 0x01000193);
  }
  return String(found >>> 0);
}

export function shapeOf(given: JsonObject): string {
  let shape = '';
  for (const name of Object.keys(given).sort()) shape += `${name}:${kindOf(given[name])} `;
  return shape;
}

export function numbersIn(given: JsonObject): readonly number[] {
  let found: number[] | null = null;
  for (const name of Object.keys(given).sort()) {
    const value = given[name];
    if (typeof value !== 'number') continue;
    found ??= [];
    found.push(value);
  }
  return found ?? NONE;
}

const NONE: readonly number[] = [];

function kindOf(value: Json | undefined): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
