import { Matcher } from './matcher.ts';
import { MIN_SECRET, spellings } from './spellings.ts';

export const MARK = '[secret withheld]';

/**
 * Replaces a secret in whatever leaves, in the spellings a target may echo it (`spellings`), and behind the escapes of
 * JSON or percent-encoding, in any mixture. `whole`: nothing cut this text short, so its end is no part of a secret.
 */
export type Redact = (text: string, whole?: boolean) => string;

export function redactorFor(secrets: readonly string[]): Redact {
  return redactorOf([...new Set(secrets.flatMap(spellings))]);
}

/** The same for texts that are looked for as they are, and for what has one of these shapes. */
export function redactorOf(texts: readonly string[], shapes: readonly RegExp[] = []): Redact {
  if (texts.length === 0 && shapes.length === 0) return (text) => text;
  const matcher = new Matcher(texts);
  const starts = startsOf(texts);
  const withheld = (text: string, whole: boolean): string => {
    let clean = replaced(text, matcher);
    for (const shape of shapes) clean = clean.replaceAll(shape, MARK);
    return whole ? clean : withoutPartAtEnd(clean, starts, matcher.longest);
  };
  return (text, whole = false) => {
    let clean = withheld(text, whole);
    if (!text.includes('\\') && !text.includes('%')) return clean;
    for (const decode of DECODERS) {
      const plain = decode(whole ? clean : clean.replace(HALF_ESCAPE, ''));
      if (plain === clean) continue;
      const safe = withheld(plain, whole);
      // only what hides a secret is handed on decoded
      if (safe !== plain) clean = safe;
    }
    return clean;
  };
}

function replaced(text: string, matcher: Matcher): string {
  let found = matcher.find(text);
  if (found === null) return text;
  let clean = '';
  let done = 0;
  while (found !== null) {
    clean += text.slice(done, found.at) + MARK;
    done = found.at + found.length;
    found = matcher.find(text, done);
  }
  return clean + text.slice(done);
}

/** What a cap leaves of an escape that it cut. */
const HALF_ESCAPE = /(?:\\(?:u[0-9a-f]{0,3})?|%[0-9a-f]?)$/i;

const SHORT: { readonly [letter: string]: string } = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const DECODERS: readonly ((text: string) => string)[] = [
  (text) => unescaped(text),
  (text) => unpercented(text),
  (text) => unpercented(unescaped(text)),
  (text) => unpercented(unpercented(text)),
  (text) => unescaped(unescaped(text)),
];

/** What the escapes of JSON stand for, wherever they are. */
function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|(["\\/bfnrt]))/gi, (_, unit, short) =>
    unit === undefined ? (SHORT[short] ?? short) : String.fromCharCode(Number.parseInt(unit, 16)),
  );
}

/** Byte by byte in either case; what is no UTF-8 becomes U+FFFD. */
function unpercented(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** Texts by how they begin. */
function startsOf(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const starts = new Map<string, string[]>();
  for (const text of texts) {
    const start = text.slice(0, MIN_SECRET);
    starts.set(start, [...(starts.get(start) ?? []), text]);
  }
  return starts;
}

/** A cap may cut in the middle of an echo: what is left of the secret at the end goes too. */
function withoutPartAtEnd(
  text: string,
  starts: ReadonlyMap<string, readonly string[]>,
  longest: number,
): string {
  for (let at = Math.max(0, text.length - longest + 1); at <= text.length - MIN_SECRET; at++) {
    const begun = starts.get(text.slice(at, at + MIN_SECRET));
    if (begun === undefined) continue;
    const end = text.slice(at);
    if (begun.some((one) => one.startsWith(end))) return text.slice(0, at) + MARK;
  }
  return text;
}

/**
 * Pieces that follow each other, as a target tells them: a secret that begins in one and ends in the next is withheld in
 * both, as far as it was not told before it could be known.
 */
export class Pieces {
  readonly #redact: Redact;
  readonly #whole: Redact;
  readonly #reach: number;
  #before = '';

  /** `reach`: characters of what came before that a secret may have begun in. */
  constructor(redact: Redact, whole: Redact, reach: number) {
    this.#redact = redact;
    this.#whole = whole;
    this.#reach = reach;
  }

  next(text: string): string {
    const joined = this.#before + text;
    const clean = this.#whole(joined, true);
    const spans = clean !== joined && this.#whole(text, true) === text;
    this.#before = joined.slice(-this.#reach);
    // what was told cannot be taken back; the rest of it is not told
    return spans ? MARK : this.#redact(text);
  }
}
