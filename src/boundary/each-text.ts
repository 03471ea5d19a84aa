import type { Json, JsonObject } from '../domain/json.ts';

/** A value nested deeper than its readers should have to follow. */
export class TooDeep extends Error {}

/** Numbers that are kept as they were written: newer than the types of the language know. */
const KEPT = JSON as typeof JSON & {
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

/** A number that is kept as it was written. */
export function isKept(value: Json): boolean {
  return KEPT.isRawJSON(value);
}

/**
 * A stranger's value with every text, member name and number passed through `word`. A number whose digits it changes
 * becomes that text. Throws TooDeep.
 */
export function eachText(value: Json, word: (text: string) => string, maxDepth: number): Json {
  const digits = (text: string, number: Json): Json => {
    const safe = word(text);
    return safe === text ? number : safe;
  };
  const visit = (inner: Json, depth: number): Json => {
    if (typeof inner === 'string') return word(inner);
    if (typeof inner === 'number') return digits(String(inner), inner);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (KEPT.isRawJSON(inner)) return digits((inner as { rawJSON: string }).rawJSON, inner as Json);
    if (depth === maxDepth) throw new TooDeep();
    if (Array.isArray(inner)) return inner.map((each: Json) => visit(each, depth + 1));
    return Object.fromEntries(
      Object.entries(inner as JsonObject).map(([name, member]) => [
        word(name),
        visit(member, depth + 1),
      ]),
    );
  };
  return visit(value, 0);
}
