/*
 * Formulas of SMT-LIB, kept simple while they are built: `and` and `or` are flat, a denial stands before atoms only. What
 * contradicts itself is `false` at once, so that many questions need no solver.
 */

export type Term = string | { readonly kind: 'and' | 'or'; readonly of: readonly Term[] };

export const YES: Term = 'true';
export const NO: Term = 'false';

export function and(...terms: readonly Term[]): Term {
  return joined('and', terms);
}

export function or(...terms: readonly Term[]): Term {
  return joined('or', terms);
}

export function not(term: Term): Term {
  if (typeof term !== 'string') return joined(term.kind === 'and' ? 'or' : 'and', term.of.map(not));
  if (term === YES) return NO;
  if (term === NO) return YES;
  return term.startsWith(NOT) ? term.slice(NOT.length, -1) : `${NOT}${term})`;
}

const NOT = '(not ';

/** `and`: nothing is `true`, one `false` is all there is to say; `or` the other way round. */
function joined(kind: 'and' | 'or', terms: readonly Term[]): Term {
  const [empty, decided] = kind === 'and' ? [YES, NO] : [NO, YES];
  const of: Term[] = [];
  const seen = new Set<string>();
  for (const term of terms)
    for (const part of typeof term !== 'string' && term.kind === kind ? term.of : [term]) {
      if (part === decided) return decided;
      const text = written(part);
      if (part === empty || seen.has(text)) continue;
      if (seen.has(written(not(part)))) return decided;
      seen.add(text);
      of.push(part);
    }
  if (kind === 'and') {
    const [clause, kept] = narrowed(of, seen);
    if (clause !== null) return and(...of.filter((part) => part !== clause), kept);
  }
  const [only = empty, ...more] = of;
  return more.length === 0 ? only : { kind, of };
}

/** An `or` among these that loses the parts which the others rule out. */
function narrowed(of: readonly Term[], seen: ReadonlySet<string>): [Term | null, Term] {
  for (const part of of) {
    if (typeof part === 'string' || part.kind !== 'or') continue;
    const left = part.of.filter((one) => !seen.has(written(not(one))));
    if (left.length < part.of.length) return [part, or(...left)];
  }
  return [null, NO];
}

export function written(term: Term): string {
  return typeof term === 'string' ? term : `(${term.kind} ${term.of.map(written).join(' ')})`;
}

export function either(test: Term, yes: Term, no: Term): Term {
  return or(and(test, yes), and(not(test), no));
}

export function literalText(text: string): string | null {
  let made = '';
  for (const letter of text) {
    const point = letter.codePointAt(0) ?? 0;
    if (point > MOST_POINT) return null;
    const isPlain = point >= 32 && point < 127 && letter !== '\\' && letter !== '"';
    made += isPlain ? letter : `\\u{${point.toString(16)}}`;
  }
  return `"${made}"`;
}

/** The last letter that the solver knows. */
const MOST_POINT = 0x2ffff;

export function literalLong(value: number | bigint): string {
  return value < 0 ? `(- ${String(value).slice(1)})` : String(value);
}
