import { everywhereIn, inHex } from './spellings.ts';

/*
 * Our own tokens. Only hashes of them are kept, so they are known by their shape: a kind, 43 digits and a checksum; written
 * out, in hexadecimal, or in base64 wherever they stand in what was encoded, once, twice or of UTF-16.
 */
const STARTS = ['run', 'agt', 'opr', 'ses', 'set'].map((kind) => `sbx_${kind}_`);
const DIGITS = 49;

const HEX = STARTS.flatMap((start) => inHex(Buffer.from(start)));
const ENCODED = STARTS.flatMap((start) => everywhereIn(Buffer.from(start)));
const WIDE = STARTS.flatMap((start) => everywhereIn(Buffer.from(start, 'utf16le')));
const TWICE = ENCODED.flatMap((start) => everywhereIn(Buffer.from(start)));

/** How every one of them begins, in each of these. */
export const TOKEN_STARTS: readonly string[] = [
  ...new Set([
    ...STARTS,
    ...STARTS.map((start) => start.toUpperCase()),
    ...[...HEX, ...ENCODED, ...WIDE, ...TWICE],
  ]),
];

const either = (texts: readonly string[]): string =>
  [...new Set(texts)].map((text) => text.replaceAll(/[+/]/g, '\\$&')).join('|');

const inBase64 = (starts: readonly string[], least: number, most: number): RegExp =>
  new RegExp(`(?:${either(starts)})[A-Za-z0-9+/_-]{${least},${most}}`, 'g');

export const TOKEN_SHAPES: readonly RegExp[] = [
  new RegExp(`(?:${either(STARTS)})[0-9A-Za-z]{${DIGITS}}`, 'gi'),
  new RegExp(`(?:${either(HEX)})(?:[ :]?[0-9a-f]{2}){${DIGITS}}`, 'gi'),
  inBase64(ENCODED, 60, 67),
  inBase64(WIDE, 128, 133),
  inBase64(TWICE, 78, 92),
];
