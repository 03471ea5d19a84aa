/**
 * Which short runs of characters a text has, as bits by their hash: says in a moment where another text may share a
 * long one with it. It may say yes where there is none, never no where there is one.
 */

/** Characters in a run. */
export const GRAM = 12;
const FACTOR = 16_777_619;
/** FACTOR to the power of GRAM - 1, modulo 2^32: what the oldest character of a run has come to weigh. */
const OLDEST = powerOf(FACTOR, GRAM - 1);

export interface Grams {
  readonly bits: Uint32Array;
  readonly mask: number;
}

export function gramsOf(text: string): Grams {
  const size = 2 ** Math.ceil(Math.log2(Math.max(1_024, 8 * text.length)));
  const bits = new Uint32Array(size / 32);
  const mask = size - 1;
  eachGram(text, (hash) => {
    const bit = hash & mask;
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  });
  return { bits, mask };
}

/** Where runs of at least `least` characters of this text may come from the other, longest possible each. */
export function sharedRuns(
  text: string,
  { bits, mask }: Grams,
  least: number,
): { start: number; end: number }[] {
  const runs: { start: number; end: number }[] = [];
  let from = -1;
  const close = (end: number): void => {
    if (from >= 0 && end - from >= least) runs.push({ start: from, end });
    from = -1;
  };
  let last = 0;
  eachGram(text, (hash, start) => {
    const bit = hash & mask;
    const has = ((bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
    if (has && from < 0) from = start;
    if (!has) close(start + GRAM - 1);
    last = start;
  });
  close(last + GRAM);
  return runs;
}

function eachGram(text: string, seen: (hash: number, start: number) => void): void {
  if (text.length < GRAM) return;
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    if (i >= GRAM) hash = (hash - Math.imul(text.charCodeAt(i - GRAM), OLDEST)) | 0;
    hash = (Math.imul(hash, FACTOR) + text.charCodeAt(i)) | 0;
    if (i >= GRAM - 1) seen(scattered(hash), i - GRAM + 1);
  }
}

/** The low bits of such a hash say little: the high ones are folded in. */
function scattered(hash: number): number {
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 4;
}

function powerOf(base: number, exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = Math.imul(power, base);
  return power;
}
