import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { foreignSchema } from '../foreign.ts';
import { patternProblem } from '../schema.ts';
import {
  type Bounds,
  dereferenced,
  EACH,
  isOneOf,
  mustBeGiven,
  type Narrowing,
  type Place,
  placesOf,
  wholePattern,
} from './narrowing.ts';

/** Keywords that keep their meaning when names beside them go. Of others, those that speak of what went go too. */
const KEPT = new Set(['type', 'title', 'description', '$schema', '$defs', 'definitions']);
const OF_TEXT = ['pattern', 'minLength', 'maxLength'] as const;
const OF_NUMBER = ['minimum', 'maximum'] as const;
const OF_LIST = ['minItems', 'maxItems'] as const;

/**
 * The input schema that agents are shown: what was taken is gone from it, what was bounded says so, and every object on
 * the way is closed. Throws a SyntaxError in plain words for a narrowing that does not fit its server's schema.
 */
export function listedSchema(narrowing: Narrowing): JsonObject {
  const { inputSchema } = narrowing.upstream;
  const places = placesOf(narrowing);
  if (places.inner.size === 0) return inputSchema;
  const listed = shaped(inputSchema, places, inputSchema, '');
  checkFixed(narrowing);
  foreignSchema(listed);
  return listed;
}

function shaped(schema: Json | undefined, place: Place, root: JsonObject, at: string): JsonObject {
  const whole = dereferenced(schema, root);
  const each = place.inner.get(EACH);
  if (each !== undefined) {
    needsType(whole, 'array', at);
    const items = dereferenced(whole.items, root);
    const inside = each.bounds === null ? items : bounded(items, each.bounds, `${at}.*`);
    return { ...whole, type: 'array', items: shaped(inside, each, root, `${at}.*`) };
  }
  if (place.inner.size === 0) return whole;
  return closedObject(whole, place, root, at);
}

function closedObject(whole: JsonObject, place: Place, root: JsonObject, at: string): JsonObject {
  needsType(whole, 'object', at);
  const properties = isJsonObject(whole.properties) ? whole.properties : {};
  const required = new Set(Array.isArray(whole.required) ? whole.required.map(String) : []);
  const kept = new Map(Object.entries(properties));
  const gone: string[] = [];
  for (const [name, inner] of place.inner) {
    const here = at === '' ? name : `${at}.${name}`;
    if (!kept.has(name)) throw new SyntaxError(`\`${here}\` is not in its input schema`);
    checkTwins(name, here, place, kept);
    if (inner.taken) {
      gone.push(name);
      kept.delete(name);
      continue;
    }
    const own = dereferenced(kept.get(name), root);
    const limited = inner.bounds === null ? own : bounded(own, inner.bounds, here);
    const shape = shaped(limited, inner, root, here);
    if (inner.inner.size > 0 && isEmptied(shape)) {
      gone.push(name);
      kept.delete(name);
      continue;
    }
    kept.set(name, shape);
    if (mustBeGiven(inner)) required.add(name);
  }
  const others = Object.entries(whole).filter(
    ([keyword, value]) =>
      KEPT.has(keyword) ||
      !gone.some((name) => JSON.stringify({ [keyword]: value }).includes(JSON.stringify(name))),
  );
  const { patternProperties: _, unevaluatedProperties: __, ...rest } = Object.fromEntries(others);
  const wanted = [...required].filter((name) => kept.has(name));
  const { required: ___, ...open } = rest;
  return {
    ...open,
    type: 'object',
    properties: Object.fromEntries(kept),
    ...(wanted.length === 0 ? {} : { required: wanted }),
    additionalProperties: false,
  };
}

/** All that it held is set by the operator. */
function isEmptied({ type, properties }: JsonObject): boolean {
  return type === 'object' && isJsonObject(properties) && Object.keys(properties).length === 0;
}

/** A second name that its server may take for the first would be a way around. */
function checkTwins(
  name: string,
  here: string,
  place: Place,
  names: ReadonlyMap<string, unknown>,
): void {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[-_.\s]/g, '');
  for (const other of names.keys())
    if (other !== name && plain(other) === plain(name) && !place.inner.has(other))
      throw new SyntaxError(
        `\`${here}\` has a twin, \`${other}\`: narrow or hide both, or its server may take one for the other`,
      );
}

function bounded(schema: JsonObject, bounds: Bounds, at: string): JsonObject {
  const { default: _, examples: __, ...own } = schema;
  const made: { [keyword: string]: Json } = { ...own };
  if (OF_TEXT.some((each) => bounds[each] !== undefined)) made.type = typed(schema, ['string'], at);
  if (OF_NUMBER.some((each) => bounds[each] !== undefined))
    made.type = typed(schema, ['integer', 'number'], at);
  if (OF_LIST.some((each) => bounds[each] !== undefined)) made.type = typed(schema, ['array'], at);
  for (const keyword of ['minimum', 'minLength', 'minItems'] as const)
    if (bounds[keyword] !== undefined)
      made[keyword] = Math.max(bounds[keyword], numberOf(schema[keyword], -Infinity));
  for (const keyword of ['maximum', 'maxLength', 'maxItems'] as const)
    if (bounds[keyword] !== undefined)
      made[keyword] = Math.min(bounds[keyword], numberOf(schema[keyword], Infinity));
  if (bounds.pattern !== undefined) {
    const why = patternProblem(wholePattern(bounds.pattern));
    if (why !== null) throw new SyntaxError(`the pattern of \`${at}\`: ${why}`);
    const whole = wholePattern(bounds.pattern);
    if (schema.pattern === undefined) made.pattern = whole;
    else made.allOf = [...(Array.isArray(schema.allOf) ? schema.allOf : []), { pattern: whole }];
  }
  if (bounds.enum !== undefined) {
    for (const value of bounds.enum)
      if (Array.isArray(schema.enum) && !isOneOf(schema.enum, value))
        throw new SyntaxError(`\`${at}\`: its server does not take \`${String(value)}\``);
    made.enum = [...bounds.enum];
  }
  return made;
}

function typed(schema: JsonObject, wanted: readonly string[], at: string): string {
  const said = schema.type === undefined ? null : [schema.type].flat().map(String);
  const fits = said === null ? wanted.at(-1) : wanted.find((type) => said.includes(type));
  if (fits === undefined)
    throw new SyntaxError(`\`${at}\`: its bounds are for ${wanted.at(-1)}, and it is ${said}`);
  return fits;
}

function needsType(schema: JsonObject, type: 'array' | 'object', at: string): void {
  const said = schema.type === undefined ? [] : [schema.type].flat().map(String);
  if (said.length > 0 && !said.includes(type))
    throw new SyntaxError(`\`${at}\` is ${said.join(' or ')}: nothing in it can be narrowed`);
}

function numberOf(value: Json | undefined, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}

/** What is fixed must be something that its server takes; what lies inside others is seen when a call is made. */
function checkFixed({ upstream: { inputSchema }, fix }: Narrowing): void {
  const { properties, $defs, definitions } = inputSchema;
  const known = properties ?? {};
  const { check } = foreignSchema({
    type: 'object',
    properties: known,
    ...($defs === undefined ? {} : { $defs }),
    ...(definitions === undefined ? {} : { definitions }),
  });
  const plain = Object.entries(fix).filter(([place]) => !place.startsWith('/'));
  const [fault] = check(Object.fromEntries(plain));
  if (fault !== undefined) throw new SyntaxError(`what is fixed does not fit: ${fault}`);
}
