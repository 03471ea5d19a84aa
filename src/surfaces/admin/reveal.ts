import { codePointName, hiddenCharacters } from '../../boundary/text.ts';

/**
 * Text in pieces, with every character apart that a reader does not see or that changes what is seen, so that what
 * an operator reads is what will run. Stricter than the boundary: blanks that only look like a space, letters without
 * an agreed shape, and line ends where one line is expected are marked too.
 */
export type Piece = { readonly text: string } | { readonly hidden: string; readonly name: string };

const LINE_END_OR_TAB = new Set(['\n', '\r', '\t']);
const LOOKS_BLANK = /(?! )\p{Zs}/u;
const NO_AGREED_SHAPE = /[\p{Co}\p{Cn}]/u;
const ALL_PLAIN = /^[ -~]*$/;

/** `keepLines`: tabs and line feeds stay text, for statements shown over several lines. */
export function reveal(text: string, keepLines = false): readonly Piece[] {
  if (text === '') return [];
  if (ALL_PLAIN.test(text)) return [{ text }];
  const hidden = new Map(hiddenCharacters(text).map(({ index, name }) => [index, name]));
  const pieces: Piece[] = [];
  let run = '';
  let index = 0;
  for (const character of text) {
    const name = hidden.get(index) ?? nameOf(character, keepLines);
    index += character.length;
    if (name === null) {
      run += character;
      continue;
    }
    if (run !== '') pieces.push({ text: run });
    run = '';
    pieces.push({ hidden: codePointName(character.codePointAt(0) ?? 0), name });
  }
  if (run !== '') pieces.push({ text: run });
  return pieces;
}

/** For terminals: no text can move the cursor, colour or hide. */
export function plain(text: string, keepLines = false): string {
  return reveal(text, keepLines)
    .map((piece) => ('text' in piece ? piece.text : `⟦${piece.hidden}⟧`))
    .join('');
}

function nameOf(character: string, keepLines: boolean): string | null {
  if (LINE_END_OR_TAB.has(character))
    return keepLines && character !== '\r' ? null : 'line end or tab';
  if (LOOKS_BLANK.test(character)) return 'a blank that is no space';
  return NO_AGREED_SHAPE.test(character) ? 'no agreed shape' : null;
}

/** Letters of more than one alphabet in one word (`аdmin` with a Cyrillic а): said, never corrected. */
export function mixesAlphabets(text: string): boolean {
  if (ALL_PLAIN.test(text)) return false;
  return text
    .split(/[^\p{L}\p{M}]+/u)
    .some((word) => ALPHABETS.filter((alphabet) => alphabet.test(word)).length > 1);
}

const ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];
