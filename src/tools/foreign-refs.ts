import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { pointerNames } from '../domain/pointer.ts';

/** A schema with the URI that references inside it are relative to. */
export interface Place {
  readonly schema: Json;
  readonly base: string;
}

/** Where a reference of one document leads; null when it leads out of the document: nothing is ever fetched. */
export type Resolve = (reference: string, base: string) => Place | null;

export const ROOT = 'document:/root';
/** Values that hold data, not schemas. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired']);

/** Resolves references within one document: pointers, anchors, and the names that parts of it give themselves. */
export function resolverOf(document: JsonObject): Resolve {
  const known = new Map<string, Place>();
  const visit = (value: Json, base: string): void => {
    if (Array.isArray(value)) for (const inner of value) visit(inner, base);
    if (!isJsonObject(value)) return;
    const own = baseOf(value, base);
    if (own !== base && !known.has(own)) known.set(own, { schema: value, base: own });
    for (const keyword of ['$anchor', '$dynamicAnchor']) {
      const anchor = value[keyword];
      if (typeof anchor === 'string') known.set(`${own}#${anchor}`, { schema: value, base: own });
    }
    for (const [keyword, inner] of Object.entries(value)) if (!DATA.has(keyword)) visit(inner, own);
  };
  known.set(ROOT, { schema: document, base: baseOf(document, ROOT) });
  visit(document, ROOT);
  return (reference, base) => {
    const target = absolute(reference, base);
    if (target === null) return null;
    const [name = '', fragment = ''] = target.split('#');
    if (fragment !== '' && !fragment.startsWith('/')) return known.get(target) ?? null;
    const resource = known.get(name);
    return resource === undefined ? null : follow(resource, fragment);
  };
}

/** The base inside a schema: its `$id`, if it has one. */
export function baseOf(schema: JsonObject, base: string): string {
  if (typeof schema.$id !== 'string' || schema.$id.startsWith('#')) return base;
  return absolute(schema.$id, base)?.replace(/#.*$/s, '') ?? base;
}

function absolute(reference: string, base: string): string | null {
  return URL.canParse(reference, base) ? new URL(reference, base).href : null;
}

function follow({ schema, base }: Place, fragment: string): Place | null {
  let found: Json = schema;
  let inside = base;
  let names: string[];
  try {
    names = pointerNames(decodeURIComponent(fragment));
  } catch {
    return null;
  }
  for (const key of names) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return null;
    found = (found as JsonObject)[key] as Json;
    if (isJsonObject(found)) inside = baseOf(found, inside);
  }
  return typeof found === 'boolean' || isJsonObject(found) ? { schema: found, base: inside } : null;
}
