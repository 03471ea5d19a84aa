import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Print, Sketch } from './trail.ts';

/** Of a longer text both ends and its length are looked at. */
const WHOLE = 16_384;
const END = 8_192;
/** Texts that may differ in a time or a counter alone and still say the same. */
const SHORT = 256;

export function printOf(text: string): Print {
  if (text.length <= SHORT) return shortPrint(text);
  const exact =
    text.length <= WHOLE
      ? hash('sha256', text, 'base64url')
      : hash('sha256', `${text.length} ${text.slice(0, END)}${text.slice(-END)}`, 'base64url');
  return { exact, blind: exact };
}

/** Three small hashes in one pass, the third blind to digits; nobody gains by making two texts equal. */
function shortPrint(text: string): Print {
  let [first, second, blind] = [0x811c9dc5, 0x9dc5811c, 0x811c9dc5];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x85ebca6b);
    if (code < 48 || code > 57) blind = Math.imul(blind ^ code, 0x01000193);
  }
  return { exact: `${text.length} ${first} ${second}`, blind: `${blind}` };
}

/** What of a call's arguments the detectors look at, besides whether they are the same. */
export function sketchOf(given: JsonObject): Sketch {
  const names = Object.keys(given);
  if (names.length > 1) names.sort();
  let shape = '';
  let numbers: number[] | null = null;
  for (const name of names) {
    const value = given[name];
    shape += `${name}:${kindOf(value)} `;
    if (typeof value !== 'number') continue;
    numbers ??= [];
    numbers.push(value);
  }
  return { shape, numbers: numbers ?? NONE };
}

/** The first bits of a digest: two that differ here differ. */
export function keyOf(argumentsDigest: string): number {
  return Number.parseInt(argumentsDigest.slice(0, 8), 16);
}

const NONE: readonly number[] = [];

function kindOf(value: Json | undefined): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
