import { isJsonObject, type Json } from '../../domain/json.ts';
import { projected } from '../projection.ts';
import type { Narrowing } from './narrowing.ts';

/** What is handed on of a result. */
export type ResultParts = Pick<Narrowing, 'project' | 'maxItems'>;

const MAX_DEPTH = 64;

/** Null where results are handed on as they come. */
export function resultParts(narrowing: Narrowing | null): ResultParts | null {
  if (narrowing === null || (narrowing.project === null && narrowing.maxItems === null))
    return null;
  return { project: narrowing.project, maxItems: narrowing.maxItems };
}

/** A document with what is handed on of it, and what had to be left out, in words. */
export function narrowedDocument(
  document: Json,
  { project, maxItems }: ResultParts,
): { document: Json; cut: readonly string[] } {
  const kept = project === null ? document : projected(document, project);
  if (maxItems === null) return { document: kept, cut: [] };
  let left = 0;
  const shorter = (value: Json, depth: number): Json => {
    if (depth > MAX_DEPTH || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      left += Math.max(0, value.length - maxItems);
      return value.slice(0, maxItems).map((one: Json) => shorter(one, depth + 1));
    }
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, shorter(inner, depth + 1)]),
    );
  };
  const made = shorter(kept, 0);
  const cut = left === 0 ? [] : [`${left} elements beyond ${maxItems} of a list were left out`];
  return { document: made, cut };
}
