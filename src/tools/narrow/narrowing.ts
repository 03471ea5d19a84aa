import { canonical, isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { pointed, pointerNames } from '../../domain/pointer.ts';

/**
 * What an operator takes away from a tool of somebody else's server, by the places of its arguments: a name, or a JSON
 * Pointer to a member inside one (`/options/force`; `*` stands for every element of a list).
 */
export interface Narrowing {
  /** As its server defines it: what arguments are checked against once they are whole. */
  readonly upstream: { readonly description: string; readonly inputSchema: JsonObject };
  /** Set by the operator whatever the agent sends; not shown to it. */
  readonly fix: { readonly [place: string]: Json };
  /** Never sent. */
  readonly hide: readonly string[];
  readonly narrow: { readonly [place: string]: Bounds };
  /** The argument that carries the key by which its server knows a repeat; null: none. */
  readonly key: string | null;
  /** JSON Pointers to what is handed on of a result; null: all of it. */
  readonly project: readonly string[] | null;
  /** Elements of any list in a result, and blocks of it; null: as many as fit. */
  readonly maxItems: number | null;
}

/** An argument with bounds must be given, unless it is `optional`: what its server takes instead is not known. */
export interface Bounds {
  readonly enum?: readonly Json[];
  /** What the whole text must fit. */
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly optional?: boolean;
}

/** One place in the arguments: taken away, bounded, or a way to such places. */
export interface Place {
  /** Its name cannot be sent: fixed, hidden, or the key. */
  readonly taken: boolean;
  readonly bounds: Bounds | null;
  readonly inner: ReadonlyMap<string, Place>;
}

interface Growing {
  taken: boolean;
  bounds: Bounds | null;
  readonly inner: Map<string, Growing>;
}

const MAX_DEPTH = 8;
export const EACH = '*';

/** The narrowing of a binding; null where nothing was narrowed. */
export function narrowingIn(binding: JsonObject): Narrowing | null {
  const { narrow } = binding;
  return isJsonObject(narrow) ? (narrow as unknown as Narrowing) : null;
}

/** Nothing but what its server says. */
export function isWhole({
  fix,
  hide,
  narrow,
  key,
  project,
  maxItems,
}: Omit<Narrowing, 'upstream'>): boolean {
  return (
    [fix, narrow].every((table) => Object.keys(table).length === 0) &&
    hide.length === 0 &&
    key === null &&
    project === null &&
    maxItems === null
  );
}

export function partsOf(place: string): readonly string[] {
  return place.startsWith('/') ? pointerNames(place) : [place];
}

/** All places as one tree. Throws a SyntaxError in plain words for places that cannot stand together. */
export function placesOf({ fix, hide, narrow, key }: Omit<Narrowing, 'upstream'>): Place {
  const root: Growing = { taken: false, bounds: null, inner: new Map() };
  for (const place of [...Object.keys(fix), ...hide, ...(key === null ? [] : [key])])
    grown(root, place).taken = true;
  for (const [place, bounds] of Object.entries(narrow)) {
    const end = grown(root, place);
    if (end.taken)
      throw new SyntaxError(`\`${place}\` is taken from the agent and bounded at once`);
    end.bounds = bounds;
  }
  checkEnds(root, '');
  return root;
}

function grown(root: Growing, place: string): Growing {
  const parts = partsOf(place);
  if (parts.length > MAX_DEPTH) throw new SyntaxError(`\`${place}\` lies deeper than ${MAX_DEPTH}`);
  let at = root;
  for (const part of parts) {
    let next = at.inner.get(part);
    if (next === undefined) {
      next = { taken: false, bounds: null, inner: new Map() };
      at.inner.set(part, next);
    }
    at = next;
  }
  if (at.taken || at.bounds !== null) throw new SyntaxError(`\`${place}\` is said twice`);
  return at;
}

function checkEnds({ taken, inner }: Growing, at: string): void {
  if (taken && inner.size > 0)
    throw new SyntaxError(`\`${at}\` is taken from the agent, and so is what lies in it`);
  if (inner.has(EACH) && inner.size > 1)
    throw new SyntaxError(`\`${at}\` is a list (\`*\`) and an object at once`);
  for (const [name, next] of inner) checkEnds(next, at === '' ? name : `${at}.${name}`);
}

/** Something inside, or the place itself, must be given for its bounds to mean anything. */
export function mustBeGiven({ bounds, inner }: Place): boolean {
  if (bounds !== null && bounds.optional !== true) return true;
  return [...inner].some(([name, next]) => name !== EACH && mustBeGiven(next));
}

/** A pattern of an operator is meant for the whole text. */
export function wholePattern(pattern: string): string {
  return `^(?:${pattern})$`;
}

/** Equal as JSON: `1.0` is `1`, members in any order. */
export function isOneOf(values: readonly Json[], value: Json): boolean {
  const text = canonical(value);
  return values.some((each) => canonical(each) === text);
}

/** What a schema says, with what it refers to inside itself put in its place. Anything else that refers stays as it is. */
export function dereferenced(schema: Json | undefined, root: JsonObject): JsonObject {
  let at: Json | undefined = schema;
  for (let hops = 0; hops < MAX_DEPTH; hops++) {
    if (!isJsonObject(at)) return {};
    const { $ref: ref, ...rest } = at;
    if (typeof ref !== 'string' || !ref.startsWith('#/')) return at;
    const target = pointed(root, ref);
    if (!isJsonObject(target)) return rest;
    at = { ...target, ...rest };
  }
  return {};
}
