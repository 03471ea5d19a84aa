/*
 * What is looked at before Cedar's parser sees a text: an expression of some hundred links, or as deep as two hundred
 * parentheses, stops the engine for good.
 */

const MOST_BYTES = 256 * 1024;
const MOST_LEVELS = 64;
const MOST_LINKS = 200;

const TOKEN =
  /"(?:[^"\\]|\\[\s\S])*"|\/\/[^\n]*|&&|\|\||[A-Za-z_][A-Za-z0-9_]*|[()[\]{}]|[.+\-*!;]|[^\s]/g;
const LINKS = new Set(['&&', '||', '+', '-', '*']);

/** What is too much about this text, with the offset of it; null: nothing. */
export function tooMuch(
  text: string,
): { readonly message: string; readonly offset: number } | null {
  if (Buffer.byteLength(text) > MOST_BYTES)
    return { message: `expected at most ${MOST_BYTES} bytes of policies`, offset: 0 };
  let [depth, links, ifs, dots] = [0, 0, 0, 0];
  for (const { 0: token, index: offset } of text.matchAll(TOKEN)) {
    if (token === ';' && depth === 0) [links, ifs] = [0, 0];
    if ('([{'.includes(token)) depth++;
    else if (')]}'.includes(token)) depth--;
    dots = token === '.' || token === '[' ? dots + 1 : LINKS.has(token) ? 0 : dots;
    if (LINKS.has(token)) links++;
    if (token === 'if') ifs++;
    if (depth > MOST_LEVELS || ifs > MOST_LEVELS || dots > MOST_LINKS)
      return { message: `expected at most ${MOST_LEVELS} levels in an expression`, offset };
    if (links > MOST_LINKS)
      return {
        message: `expected at most ${MOST_LINKS} links (\`&&\`, \`||\`, \`+\`, …) in one policy`,
        offset,
      };
  }
  return null;
}
