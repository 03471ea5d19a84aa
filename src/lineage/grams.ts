/**
 * Which short runs of characters a text has, as bits by their hash: says in a moment where another text may share a
 * long one with it. It may say yes where there is none, never no where there is one.
 */

/** Characters in a run of words, and in one of letters: no proof is shorter than the latter. */
export const GRAM = 12;
export const LETTERS = 4;
const FACTOR = 16_777_619;

export interface Grams {
  readonly bits: Uint32Array;
  readonly mask: number;
}

/** One hash for each run of so many characters, in order; none where the text is shorter. */
export function runsIn(text: string, size: number): Int32Array {
  const runs = new Int32Array(Math.max(0, text.length - size + 1));
  // what the oldest character of a run has come to weigh
  const oldest = powerOf(FACTOR, size - 1);
  let hash = 0;
  for (let i = 0; i < text.length; i++) {
    if (i >= size) hash = (hash - Math.imul(text.charCodeAt(i - size), oldest)) | 0;
    hash = (Math.imul(hash, FACTOR) + text.charCodeAt(i)) | 0;
    if (i >= size - 1) runs[i - size + 1] = scattered(hash);
  }
  return runs;
}

export function gramsOf(text: string, size: number): Grams {
  const room = 2 ** Math.ceil(Math.log2(Math.max(1_024, 8 * text.length)));
  const bits = new Uint32Array(room / 32);
  const mask = room - 1;
  for (const hash of runsIn(text, size)) {
    const bit = hash & mask;
    bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31));
  }
  return { bits, mask };
}

/** Whether a text with these runs may stand in the other whole. */
export function mayHold(grams: Grams, runs: Int32Array): boolean {
  for (const hash of runs) if (!isIn(grams, hash)) return false;
  return true;
}

/** Where at least `least` characters in a row may come from the other, longest possible each. */
export function sharedRuns(
  runs: Int32Array,
  grams: Grams,
  least: number,
): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  const inRow = least - GRAM + 1;
  let from = 0;
  // the last that a row from here would need is asked first: most texts have it not, and all before it is passed over
  while (from + inRow <= runs.length) {
    let at = from + inRow - 1;
    while (at >= from && isIn(grams, runs[at] ?? 0)) at--;
    if (at >= from) {
      from = at + 1;
      continue;
    }
    let end = from + inRow;
    while (end < runs.length && isIn(grams, runs[end] ?? 0)) end++;
    found.push({ start: from, end: end + GRAM - 1 });
    from = end + 1;
  }
  return found;
}

function isIn({ bits, mask }: Grams, hash: number): boolean {
  const bit = hash & mask;
  return ((bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
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
