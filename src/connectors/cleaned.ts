import { eachText } from '../boundary/each-text.ts';
import type { Redact } from '../boundary/redact.ts';
import type { Json } from '../domain/json.ts';

/** Deeper answers are handed on as text; no reader downstream should have to follow them. */
const MAX_DEPTH = 256;
const BROKEN = 'characters of the answer that are no Unicode (lone surrogates) were replaced';

interface Cleaned {
  readonly json: Json;
  /** What is handed on is not what came. */
  readonly changed: boolean;
  readonly cut: readonly string[];
}

/**
 * A JSON answer as it may be handed on: every text and member name redacted after its escapes were read, and
 * well-formed, because a record of it must be. Undefined when it is no JSON, or nested too deep.
 */
export function cleaned(text: string, redact: Redact): Cleaned | undefined {
  let redacted = false;
  let broken = false;

  const word = (given: string): string => {
    const safe = redact(given, true);
    if (safe !== given) redacted = true;
    if (safe.isWellFormed()) return safe;
    broken = true;
    return safe.toWellFormed();
  };
  try {
    const json = eachText(JSON.parse(text) as Json, word, MAX_DEPTH);
    return { json, changed: redacted || broken, cut: broken ? [BROKEN] : [] };
  } catch {
    return undefined;
  }
}
