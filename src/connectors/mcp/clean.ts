import { eachText } from '../../boundary/each-text.ts';
import type { Redact } from '../../boundary/redact.ts';
import { allShown, isSuspect, withSmuggledShown } from '../../boundary/smuggled.ts';
import type { Json } from '../../domain/json.ts';

/** Deeper values are refused; no reader downstream should have to follow them. */
const MAX_DEPTH = 64;

/** For a credential that is none: nothing is withheld. */
export const NOTHING_WITHHELD: Redact = (text) => text;

/**
 * A value of a server as it may be handed on: every text and member name redacted after its escapes were read, and
 * well-formed, because a record of it must be. Throws TooDeep.
 */
export function cleaned<T extends Json>(value: T, redact: Redact): T {
  return eachText(value, (text) => redact(text, true).toWellFormed(), MAX_DEPTH) as T;
}

/** The same for words on the way, questions and errors: what nobody sees in them is written out. */
export function cleanedWords<T extends Json>(value: T, redact: Redact): T {
  return eachText(
    value,
    (text) => withSmuggledShown(redact(text, true).toWellFormed()),
    MAX_DEPTH,
  ) as T;
}

/** A value whose hidden characters are written out, with how many; the very value where there are none. */
export function shownIn<T extends Json>(
  value: T,
  serialised: string,
): { readonly value: T; readonly hidden: number } {
  if (!isSuspect(serialised)) return { value, hidden: 0 };
  const { json, hidden } = allShown(value, MAX_DEPTH);
  return hidden === 0 ? { value, hidden } : { value: json as T, hidden };
}

const LONE_SURROGATE = /\\u[dD][89a-fA-F]/;

/**
 * True when the serialised value surely is what `cleaned` would make of it: nothing to withhold in it, however it is
 * escaped, no lone surrogate, and too short to be nested deep.
 */
export function isClean(serialised: string, redact: Redact): boolean {
  if (LONE_SURROGATE.test(serialised)) return false;
  if (!isShallow(serialised)) return false;
  if (redact === NOTHING_WITHHELD) return true;
  if (serialised.includes('\\') || serialised.includes('%')) return false;
  return redact(serialised, true) === serialised;
}

/** Counts every bracket, even in texts: an answer with fewer cannot be nested deeper. */
function isShallow(serialised: string): boolean {
  let open = 0;
  for (let at = nextOpen(serialised, 0); at !== -1; at = nextOpen(serialised, at + 1))
    if (++open > MAX_DEPTH) return false;
  return true;
}

function nextOpen(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x7b || unit === 0x5b) return i;
  }
  return -1;
}
