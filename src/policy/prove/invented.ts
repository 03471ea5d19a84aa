import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type Projected, projectionOf, UNFIT } from '../arguments.ts';
import { isEqual, SetValue, type Value } from '../values.ts';
import type { Picture } from './picture.ts';

/** Any value that fits a schema, as far as that can be told; the schema it stands in resolves its references. */
export type Sample = (schema: Json | undefined, root: JsonObject) => Json;

/**
 * Arguments that look to policies as a picture says. `context.args` has several attributes for one argument, so each is
 * tried as what it could be made of, and what fits most of them is taken; whoever asked must look at what it comes to.
 */
export function inventedArguments(
  inputSchema: JsonObject,
  picture: Picture,
  sample: Sample,
): JsonObject {
  const projection = [...projectionOf(inputSchema)];
  const properties = isJsonObject(inputSchema.properties) ? inputSchema.properties : {};
  const needed = Array.isArray(inputSchema.required) ? inputSchema.required : [];
  const made: { [name: string]: Json } = {};
  for (const [name, schema] of Object.entries(properties)) {
    const parts = projection.filter(([, { from }]) => from === name);
    const said = parts.filter(([attribute]) => isSaid(picture, attribute));
    const isThere = said.some(([attribute]) => isPresent(picture, attribute));
    if (!needed.includes(name) && !isThere) continue;
    const usual = sample(schema, inputSchema);
    const tries = said.flatMap(([attribute]) => triesFor(picture, name, attribute, usual));
    made[name] = best([...tries, usual], said, picture);
  }
  return made;
}

function isSaid(picture: Picture, attribute: string): boolean {
  const at = `args.${attribute}`;
  return [...picture.keys()].some((path) => path === at || path.startsWith(`${at}.`));
}

function isPresent(picture: Picture, attribute: string): boolean {
  return picture.get(`args.${attribute}.?`) !== false;
}

function triesFor(picture: Picture, name: string, attribute: string, usual: Json): readonly Json[] {
  const value = picture.get(`args.${attribute}`);
  const suffix = attribute.slice(name.length);
  if (value === undefined) return isJsonObject(usual) ? [inside(picture, attribute, usual)] : [];
  if (value instanceof SetValue) {
    const members = value.members.flatMap((member) => jsonOf(member, suffix) ?? []);
    return [members];
  }
  if (suffix === '_host')
    return [`https://${String(value)}/`, String(value), `someone@${String(value)}`];
  if (suffix === '_count' && Array.isArray(usual)) {
    const [one = 'x'] = usual;
    return [Array.from({ length: Math.min(Math.max(Number(value), 0), MOST_ITEMS) }, () => one)];
  }
  const json = jsonOf(value, suffix);
  return json === null ? [] : [json];
}

const MOST_ITEMS = 1_000;

/** An object whose fields are named in the picture. */
function inside(picture: Picture, attribute: string, usual: JsonObject): JsonObject {
  const made: { [name: string]: Json } = { ...usual };
  const at = `args.${attribute}.`;
  for (const [path, value] of picture) {
    if (!path.startsWith(at) || path.endsWith('.?')) continue;
    const name = path.slice(at.length);
    const json = name.includes('.') ? null : jsonOf(value, name);
    if (json !== null) made[name.replace(/_(?:micros|folded|host)$/, '')] = json;
  }
  return made;
}

function jsonOf(value: Value, suffix: string): Json | null {
  if (typeof value === 'bigint') return null;
  if (typeof value === 'number') return suffix.endsWith('_micros') ? value / 1e6 : value;
  return typeof value === 'object' ? null : value;
}

function best(
  tries: readonly Json[],
  said: readonly (readonly [string, Projected])[],
  picture: Picture,
): Json {
  let [found, most] = [tries.at(-1) ?? null, -1];
  for (const one of tries) {
    const fits = said.filter(([attribute, of]) => fitsPicture(one, attribute, of, picture)).length;
    if (fits > most) [found, most] = [one, fits];
  }
  return found;
}

function fitsPicture(value: Json, attribute: string, of: Projected, picture: Picture): boolean {
  const wanted = picture.get(`args.${attribute}`);
  const made = value === null ? undefined : of.map(value);
  if (made === UNFIT) return false;
  if (picture.get(`args.${attribute}.?`) === false) return made === undefined;
  if (wanted === undefined) return made !== undefined;
  return made !== undefined && isEqual(made, wanted);
}
