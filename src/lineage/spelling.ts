/**
 * One spelling for both sides of a comparison: compatibility forms, without what nobody sees. Where letters that look
 * alike differ they stay different: what is not the same is not proven.
 */

const OUT_OF_PLAIN = /[^\0-\x7f]/;
/** Marks that join, direct or select, and what is drawn as nothing. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/** As it is read, capitals kept: ids, paths and secrets differ by them. */
export function shown(text: string): string {
  return OUT_OF_PLAIN.test(text) ? text.normalize('NFKC').replace(UNSEEN, '') : text;
}

/** As people mean it, whatever the capitals. */
export function folded(text: string): string {
  return shown(text).toLowerCase();
}

/** Words alone, one space between them: however a text is broken into lines, quoted or set. */
export function loose(text: string): string {
  return folded(text)
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** Where these words stand in a folded text, whatever is between them. */
export function wordsIn(text: string, words: string): { start: number; end: number } | null {
  const pattern = words
    .split(' ')
    .filter((word) => word !== '')
    .join('[^\\p{L}\\p{N}]+');
  const found = pattern === '' ? null : new RegExp(pattern, 'u').exec(text);
  return found === null ? null : { start: found.index, end: found.index + found[0].length };
}

/** Fewer characters than this are found by chance. */
export const LEAST_PROOF = 4;

const WORD = /[\p{L}\p{N}]/u;
/** What goes on with a value to its left: the end of a longer address, path or name proves nothing. */
const JOINS_LEFT = /[\p{L}\p{N}_@+%-]/u;
const JOINS_RIGHT = /[\p{L}\p{N}_@+%-]/u;
/** These join only when something follows them: a full stop at the end of a sentence does not. */
const JOINS_BEFORE_WORD = /[./:?=&#\\]/;

/** Where `value` stands in `text` by itself, not within something longer; both in the same spelling. */
export function standsIn(text: string, value: string): { start: number; end: number } | null {
  if (value.length < LEAST_PROOF) return null;
  for (let start = text.indexOf(value); start >= 0; start = text.indexOf(value, start + 1)) {
    const end = start + value.length;
    if (!joinedLeft(text, start) && !joinedRight(text, end)) return { start, end };
  }
  return null;
}

function joinedLeft(text: string, start: number): boolean {
  const before = text[start - 1] ?? ' ';
  if (JOINS_LEFT.test(before)) return true;
  if (before === '/') return text[start - 2] !== '/';
  return (before === '.' || before === '\\' || before === ':') && WORD.test(text[start - 2] ?? ' ');
}

function joinedRight(text: string, end: number): boolean {
  const after = text[end] ?? ' ';
  if (JOINS_RIGHT.test(after)) return true;
  return JOINS_BEFORE_WORD.test(after) && WORD.test(text[end + 1] ?? ' ');
}

const NUMBER = /\d(?:[\d.,'’]*\d)?/g;

/** Where the text says this amount in at least four characters: `1,200.00` says 1200. */
export function amountIn(text: string, amount: number): { start: number; end: number } | null {
  if (!Number.isFinite(amount)) return null;
  for (const found of text.matchAll(NUMBER)) {
    const [written] = found;
    if (written.length < LEAST_PROOF || !meanings(written).includes(amount)) continue;
    const end = found.index + written.length;
    if (!joinedLeft(text, found.index) && !joinedRight(text, end))
      return { start: found.index, end };
  }
  return null;
}

/** `1.200` is one thing here and another there: both, since the reader of the number decides. */
function meanings(written: string): number[] {
  const plain = written.replaceAll(/['’]/g, '');
  const points = plain.replaceAll(',', '');
  const commas = plain.replaceAll('.', '').replace(',', '.');
  return [...new Set([Number(points), Number(commas)])].filter(Number.isFinite);
}
