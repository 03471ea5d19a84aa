/** A field of a mutation that may do something, with the words of its arguments. */
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

/**
 * The fields of a selection set that begins at `open`, which may do something: those at its top and in inline fragments
 * there; those below a field without arguments, which may be no more than a name to group them by; and whatever takes
 * arguments, however deep. What is left is what a mutation answers.
 */
function selection(
  tokens: readonly string[],
  open: number,
): { readonly fields: readonly MutationField[]; readonly end: number } | null {
  const found: Field[] = [];
  /** Of each set of braces that is open: whether its fields may do something, and what they are grouped by. */
  const sets: Selected[] = [{ acts: true, under: [] }];
  let at = open + 1;
  let last: Field | null = null;
  let fragment = false;
  while (at < tokens.length) {
    const token = tokens[at] ?? '';
    const { acts, under } = sets.at(-1) ?? NOTHING;
    if (token === '(') {
      const end = closing(tokens, at, '(', ')');
      if (end === -1) return null;
      if (last !== null) {
        if (!acts && last.about === '') found.push(last);
        last.about += ` ${tokens.slice(at, end).join(' ')}`;
      }
      at = end;
    } else if (token === '{') {
      const groups = !fragment && last !== null;
      sets.push({
        acts: acts && (!groups || last?.about === ''),
        under: groups ? [...under, last?.name ?? ''].slice(-MOST_GROUPS) : under,
      });
      fragment = false;
    } else if (token === '}') {
      sets.pop();
      if (sets.length === 0) return { fields: found.flatMap(named), end: at + 1 };
    } else if (token === '...') {
      fragment = true;
      // `... on Type`, `...Name`
      if (tokens[at + 1] === 'on') at += 2;
      else if (isName(tokens[at + 1])) {
        fragment = false;
        at++;
      }
    } else if (token === '@') {
      // the arguments of a directive are none of its field
      at++;
      const end = tokens[at + 1] === '(' ? closing(tokens, at + 1, '(', ')') : at;
      if (end === -1) return null;
      at = end;
    } else if (isName(token)) {
      if (tokens[at + 1] === ':') at++;
      else {
        last = { name: token, about: '', under };
        if (acts) found.push(last);
      }
    }
    at++;
  }
  return null;
}

interface Field {
  readonly name: string;
  about: string;
  readonly under: readonly string[];
}

interface Selected {
  readonly acts: boolean;
  readonly under: readonly string[];
}

const NOTHING: Selected = { acts: true, under: [] };
const MOST_GROUPS = 8;

/** By itself, and as what its groups make of it: `volume { delete }` deletes a volume. */
function named({ name, about, under }: Field): MutationField[] {
  if (under.length === 0) return [{ name, about }];
  return [
    { name, about },
    { name: [...under, name].join('_'), about },
  ];
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
