import { inBase64 } from './spellings.ts';

/*
 * Our own tokens. Only hashes of them are kept, so they are known by their shape: a kind, 43 digits and a checksum; written
 * out, in hexadecimal, or in base64 wherever they stand in what was encoded.
 */
const STARTS = ['run', 'agt', 'opr', 'ses', 'set'].map((kind) => `sbx_${kind}_`);
const DIGITS = 49;

const hex = (text: string): string => Buffer.from(text).toString('hex');
const ENCODED = STARTS.flatMap((start) =>
  [0, 1, 2].flatMap((before) => inBase64(Buffer.from(start), before)),
);

/** How every one of them begins, in each of these. */
export const TOKEN_STARTS: readonly string[] = [
  ...STARTS,
  ...STARTS.map(hex),
  ...STARTS.map((start) => hex(start).toUpperCase()),
  ...ENCODED,
];

const either = (texts: readonly string[]): string =>
  [...new Set(texts)].map((text) => text.replaceAll(/[+/]/g, '\\$&')).join('|');

export const TOKEN_SHAPES: readonly RegExp[] = [
  new RegExp(`(?:${either(STARTS)})[0-9A-Za-z]{${DIGITS}}`, 'gi'),
  new RegExp(`(?:${either(STARTS.map(hex))})[0-9a-f]{${2 * DIGITS}}`, 'gi'),
  new RegExp(`(?:${either(ENCODED)})[A-Za-z0-9+/_-]{60,67}`, 'g'),
];
