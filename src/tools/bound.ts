import type { Bound } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { pointerNames } from '../domain/pointer.ts';
import type { RowImage } from '../domain/proposal.ts';

/**
 * `{path}`, `{options/note}`: a value of the call. `{result:/id}`: a part of what it answered, by JSON Pointer.
 * `{before:/price}`, `{after:/price}`: a column of a row that it changed, as it was and as it became.
 */
const PLACE = /^\{(?:(result|before|after):)?([^{}]*)\}$/;

/** Where a value of the other call comes from. */
export interface Origin {
  readonly from: 'arguments' | 'result' | 'before' | 'after';
  readonly parts: readonly string[];
}

/** Null for a value that stands for itself. */
export function originOf(value: Json): Origin | null {
  const [, from, path = ''] = (typeof value === 'string' ? PLACE.exec(value) : null) ?? [];
  if (typeof value !== 'string' || !PLACE.test(value)) return null;
  const parts = pointerNames(from === undefined ? `/${path}` : path);
  return { from: (from as Origin['from'] | undefined) ?? 'arguments', parts };
}

/** The arguments of the other call. What was not given is left out, and so is a part of a result that is not there. */
export function boundArguments(
  bound: Bound,
  input: JsonObject,
  result: Json | null = null,
  row: Pick<RowImage, 'before' | 'after'> | null = null,
): JsonObject {
  const sources = {
    ...{ arguments: input, result },
    ...{ before: row?.before ?? null, after: row?.after ?? null },
  };
  return Object.fromEntries(
    Object.entries(bound.arguments).flatMap(([name, value]): [string, Json][] => {
      const origin = originOf(value);
      if (origin === null) return [[name, value]];
      const found = at(sources[origin.from], origin.parts);
      return found === undefined ? [] : [[name, found]];
    }),
  );
}

function at(value: Json, parts: readonly string[]): Json | undefined {
  let found: Json | undefined = value;
  for (const part of parts) {
    if (Array.isArray(found))
      found = /^\d+$/.test(part) ? (found[Number(part)] as Json) : undefined;
    else found = isJsonObject(found) && Object.hasOwn(found, part) ? found[part] : undefined;
  }
  return found;
}
