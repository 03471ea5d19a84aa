import { parse } from 'yaml';
import { isJsonObject, type Json } from '../domain/json.ts';

/** One value at the end of a structure, by its place: `[].owner.id`. */
export interface Leaf {
  readonly place: readonly string[];
  readonly value: string;
}

const MAX_LEAVES = 20_000;
const MAX_DEPTH = 32;
/** Longer text is not read as YAML: it has no places. */
const MAX_YAML = 128 * 1024;

/** Names of fields that whoever wrote the record chose for it: no proof of anything. */
const CHOSEN = new Set(
  (
    'from sender author reporter creator displayname username nickname name fullname title subject ' +
    'filename label tag topic body text content contents message description summary comment note ' +
    'notes value url link href location reason caption bio signature'
  ).split(' '),
);

/** A field that a stranger fills in: `sender`, `file_name`, `displayName`. */
export function isChosen(name: string): boolean {
  return CHOSEN.has(name.toLowerCase().replaceAll(/[^a-z]/g, ''));
}

/** A place as it is written: `[].email`, `items[].owner.id`, `*` for any one name, `.` for the whole. */
export function placeOf(written: string): readonly string[] {
  if (written === '.') return [];
  return withoutRoot(
    written
      .replaceAll('[]', '.[]')
      .split('.')
      .filter((part) => part !== ''),
  );
}

/** Whether a result is one record or a list of them is not part of a place. */
function withoutRoot(place: readonly string[]): readonly string[] {
  let first = 0;
  while (place[first] === '[]') first++;
  return place.slice(first);
}

export function isAt(place: readonly string[], wanted: readonly string[]): boolean {
  if (place.length !== wanted.length) return false;
  return place.every((name, i) => wanted[i] === name || (wanted[i] === '*' && !isChosen(name)));
}

export function written(place: readonly string[]): string {
  return place.length === 0 ? '.' : place.join('.').replaceAll('.[]', '[]');
}

/** Every leaf, in order; at most 20 000. */
export function leavesOf(value: Json): Leaf[] {
  const leaves: Leaf[] = [];
  walk(value, [], leaves);
  return leaves.map(({ place, value: text }) => ({ place: withoutRoot(place), value: text }));
}

function walk(value: Json, place: readonly string[], leaves: Leaf[]): void {
  if (leaves.length >= MAX_LEAVES || place.length > MAX_DEPTH) return;
  if (typeof value === 'string' || typeof value === 'number')
    leaves.push({ place, value: String(value) });
  else if (Array.isArray(value)) for (const each of value) walk(each, [...place, '[]'], leaves);
  else if (isJsonObject(value))
    for (const [name, inner] of Object.entries(value)) walk(inner, [...place, name], leaves);
}

/** What a text says as data; the text itself where it is none. Never throws. */
export function dataIn(text: string, as: 'json' | 'yaml'): Json {
  const json = orNothing(() => JSON.parse(text) as Json);
  if (json !== undefined) return json;
  if (as === 'json' || text.length > MAX_YAML) return text;
  // one document, no references, no key twice: what two readers could read differently has no places
  const options = {
    maxAliasCount: 0,
    uniqueKeys: true,
    schema: 'core',
    logLevel: 'error',
  } as const;
  return orNothing(() => parse(text, options) as Json) ?? text;
}

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
