import { hash } from 'node:crypto';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Print, Sketch } from './trail.ts';

/** Of a longer text both ends and its length are looked at. */
const WHOLE = 16_384;
const END = 8_192;
/** Texts that may differ in a time or a counter alone and still say the same. */
const SHORT = 256;

export function printOf(text: string): Print {
  if (text.length <= SHORT) return { exact: text, isText: true };
  return { exact: digested(text), isText: false };
}

/** The same for the same text; tells nothing else of it. */
export function digested(text: string): string {
  if (text.length <= WHOLE) return hash('sha256', text, 'base64url');
  return hash('sha256', `${text.length} ${text.slice(0, END)}${text.slice(-END)}`, 'base64url');
}

/** The same text; of short ones, also texts that differ in digits alone. Most differ in their first letters. */
export function saysTheSame(a: Print, b: Print): boolean {
  if (a.exact === b.exact) return a.isText === b.isText;
  if (!a.isText || !b.isText) return false;
  let [at, bt] = [0, 0];
  for (;;) {
    while (isDigit(a.exact.charCodeAt(at))) at++;
    while (isDigit(b.exact.charCodeAt(bt))) bt++;
    if (at >= a.exact.length || bt >= b.exact.length) break;
    if (a.exact.charCodeAt(at++) !== b.exact.charCodeAt(bt++)) return false;
  }
  return at >= a.exact.length && bt >= b.exact.length;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
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
