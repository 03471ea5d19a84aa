/** A field that a mutation selects at its top, with the words of its arguments. */
export interface MutationField {
  readonly name: string;
  readonly about: string;
}

export interface GraphqlDocument {
  readonly mutations: readonly MutationField[];
  /** It asks for queries only. */
  readonly reads: boolean;
}

const MAX_TEXT = 100_000;
const MAX_TOKENS = 20_000;
const TOKEN =
  /"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|#[^\n\r]*|\.\.\.|[_A-Za-z][_0-9A-Za-z]*|-?\d[\d.eE+-]*|[!$&()*:=@[\]{|}]|[\s,\ufeff]+|./gsy;

/**
 * What a GraphQL document does, from its tokens alone: comments, commas, aliases and fragments hide nothing. Null for a
 * text that is no such document.
 */
export function readGraphql(text: string): GraphqlDocument | null {
  const tokens = text.length > MAX_TEXT ? null : tokensOf(text);
  if (tokens === null || tokens.length === 0) return null;
  const mutations: MutationField[] = [];
  const spread: MutationField[] = [];
  let reads = true;
  let at = 0;
  while (at < tokens.length) {
    const word = tokens[at] ?? '';
    if (word !== '{' && !DEFINITIONS.has(word)) return null;
    const open = tokens.indexOf('{', at);
    if (open === -1) return null;
    const body = selection(tokens, open);
    if (body === null) return null;
    if (word === 'mutation') mutations.push(...body.fields);
    // any fragment may be spread into a mutation
    if (word === 'fragment') spread.push(...body.fields);
    if (word === 'mutation' || word === 'subscription') reads = false;
    at = body.end;
  }
  return { mutations: reads ? [] : [...mutations, ...spread], reads };
}

const DEFINITIONS = new Set(['query', 'mutation', 'subscription', 'fragment']);

function tokensOf(text: string): string[] | null {
  const tokens: string[] = [];
  for (const [token] of text.matchAll(TOKEN)) {
    if (token.startsWith('#') || /^[\s,\ufeff]/.test(token)) continue;
    tokens.push(token);
    if (tokens.length > MAX_TOKENS) return null;
  }
  return tokens;
}

/** The fields of a selection set that begins at `open`, those of inline fragments in it included. */
function selection(
  tokens: readonly string[],
  open: number,
): { readonly fields: readonly MutationField[]; readonly end: number } | null {
  const fields: { name: string; about: string }[] = [];
  /** How deep in braces of the selection; inline fragments do not count. */
  const inline: boolean[] = [true];
  let at = open + 1;
  let last: { name: string; about: string } | null = null;
  let fragment = false;
  while (at < tokens.length) {
    const token = tokens[at] ?? '';
    const top = inline.every((one) => one);
    if (token === '(') {
      const end = closing(tokens, at, '(', ')');
      if (end === -1) return null;
      if (top && last !== null) last.about += ` ${tokens.slice(at, end).join(' ')}`;
      at = end + 1;
      continue;
    }
    if (token === '{') {
      inline.push(fragment);
      fragment = false;
    } else if (token === '}') {
      inline.pop();
      if (inline.length === 0) return { fields, end: at + 1 };
    } else if (token === '...') {
      fragment = true;
      // `... on Type`, `...Name`
      if (tokens[at + 1] === 'on') at += 2;
      else if (isName(tokens[at + 1])) {
        fragment = false;
        at++;
      }
    } else if (token === '@') at++;
    else if (isName(token) && top) {
      if (tokens[at + 1] === ':') at++;
      else {
        last = { name: token, about: '' };
        fields.push(last);
      }
    }
    at++;
  }
  return null;
}

function closing(tokens: readonly string[], from: number, open: string, close: string): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    if (tokens[at] === open) depth++;
    if (tokens[at] === close && --depth === 0) return at;
  }
  return -1;
}

function isName(token: string | undefined): boolean {
  return token !== undefined && /^[_A-Za-z]/.test(token);
}
