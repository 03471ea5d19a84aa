import { HALF_ESCAPE, isEncoded, readingsOf } from './decoders.ts';
import { Matcher } from './matcher.ts';
import { MIN_SECRET, spellings } from './spellings.ts';

export const MARK = '[secret withheld]';
/** A text that hides secrets behind more readings than these is withheld whole. */
const MOST_READINGS = 8;

/**
 * Replaces a secret in whatever leaves, in the spellings a target may echo it (`spellings`), and behind escapes (`readingsOf`).
 * `whole`: nothing cut this text short, so its end is no part of a secret.
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
    if (!text.includes('\\') && !isEncoded(text) && (whole || !HALF_ESCAPE.test(text)))
      return clean;
    // one reading shows what another one hides
    for (let left = MOST_READINGS; left > 0; left--) {
      const next = hidden(clean, whole);
      if (next === null) return clean;
      clean = next;
    }
    return MARK;
  };

  /** What is left of a text that can be read as one with a secret in it; null when it cannot. */
  function hidden(text: string, whole: boolean): string | null {
    for (const plain of readingsOf(whole ? text : text.replace(HALF_ESCAPE, ''))) {
      if (plain === text) continue;
      const safe = withheld(plain, whole);
      // only what hides a secret is handed on decoded
      if (safe !== plain) return safe;
    }
    return null;
  }
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
