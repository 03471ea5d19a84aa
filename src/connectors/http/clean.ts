import type { Redact } from '../../boundary/redact.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';

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
  const visit = (value: Json, depth: number): Json => {
    if (typeof value === 'string') return word(value);
    if (typeof value === 'number') {
      const digits = String(value);
      const safe = word(digits);
      return safe === digits ? value : safe;
    }
    if (typeof value !== 'object' || value === null) return value;
    if (depth === MAX_DEPTH) throw new RangeError('nested too deep');
    if (Array.isArray(value)) return value.map((element: Json) => visit(element, depth + 1));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [word(name), visit(member, depth + 1)]),
    );
  };

  try {
    const json = visit(JSON.parse(text) as Json, 0);
    return { json, changed: redacted || broken, cut: broken ? [BROKEN] : [] };
  } catch {
    return undefined;
  }
}
