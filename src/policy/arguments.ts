import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { pointed } from '../domain/pointer.ts';
import {
  type Attributes,
  BOOL,
  type CedarType,
  LONG,
  record,
  STRING,
  setOf,
} from './cedar-type.ts';
import { type RecordValue, SetValue, type Value } from './values.ts';

/** This value cannot be said to Cedar exactly, or is not what the schema says: whoever reads it gets a no. */
export const UNFIT: unique symbol = Symbol('unfit');
type Unfit = typeof UNFIT;

/** One attribute of `context.args`: of which argument, of which type, and how its value is made. */
export interface Projected {
  readonly type: CedarType;
  readonly required: boolean;
  /** The argument it is made of. */
  readonly from: string;
  /** Never given null. Undefined: the attribute is absent for this value. */
  readonly map: (value: Json) => Value | Unfit | undefined;
}

export type Projection = ReadonlyMap<string, Projected>;

const DEPTH = 6;
const MOST_ATTRIBUTES = 200;

/**
 * How the arguments of an input schema look to policies. Total: what cannot be typed (free-form objects, recursion,
 * what has no type) has no attribute, so a policy that reads it does not validate. Values are built here and never
 * passed on, so nothing an agent writes is read as one of Cedar's escapes.
 */
export function projectionOf(inputSchema: JsonObject): Projection {
  return members({ root: inputSchema, left: MOST_ATTRIBUTES }, inputSchema, DEPTH);
}

interface Reading {
  readonly root: JsonObject;
  left: number;
}

/** Names that Cedar's JSON or JavaScript's objects read as something else. */
const NEVER = /^__/;

function members(reading: Reading, schema: JsonObject, depth: number): Projection {
  const found = new Map<string, Projected>();
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const needed = new Set(Array.isArray(schema.required) ? schema.required : []);
  const put = (name: string, one: Projected): void => {
    if (reading.left <= 0 || NEVER.test(name)) return;
    if (found.has(name) || (name !== one.from && Object.hasOwn(properties, name))) return;
    reading.left--;
    found.set(name, one);
  };
  for (const [name, property] of Object.entries(properties)) {
    if (NEVER.test(name)) continue;
    const { kinds, nullable } = kindsOf(reading, property, depth);
    const required = needed.has(name) && !nullable && kinds.length === 1;
    for (const kind of kinds) {
      const called = kinds.length === 1 ? name : `${name}_${kind.suffix}`;
      for (const part of kind.parts)
        put(called + part.suffix, {
          ...part,
          required: required && part.required,
          from: name,
          map: (value) =>
            kind.takes(value) ? part.map(value) : kinds.length > 1 ? undefined : UNFIT,
        });
    }
  }
  return found;
}

/** What of one JSON type policies see: itself, or what stands for it under a name with a suffix. */
interface Kind {
  readonly suffix: string;
  readonly takes: (value: Json) => boolean;
  readonly parts: readonly (Omit<Projected, 'from'> & { readonly suffix: string })[];
}

function kindsOf(
  reading: Reading,
  given: Json | undefined,
  depth: number,
): { readonly kinds: readonly Kind[]; readonly nullable: boolean } {
  const schema = resolved(reading.root, given, DEPTH);
  if (schema === null || depth === 0) return { kinds: [], nullable: false };
  const branches = Array.isArray(schema.anyOf)
    ? schema.anyOf
    : Array.isArray(schema.oneOf)
      ? schema.oneOf
      : null;
  if (branches !== null && schema.type === undefined) {
    const each = branches.map((branch) => kindsOf(reading, branch, depth - 1));
    const kinds = each.flatMap((one) => one.kinds);
    // two branches of one type: which of them a value fits is not known here
    const known = kinds.filter(
      (kind) => kinds.filter(({ suffix }) => suffix === kind.suffix).length === 1,
    );
    return { kinds: known, nullable: each.some(({ nullable }) => nullable) };
  }
  const types = typesOf(schema);
  const kinds = types.flatMap((type) => kindOf(reading, type, schema, depth) ?? []);
  return { kinds, nullable: types.includes('null') };
}

function typesOf(schema: JsonObject): readonly string[] {
  const { type } = schema;
  if (typeof type === 'string') return [type];
  if (Array.isArray(type)) {
    const types = type.filter((one): one is string => typeof one === 'string');
    return types.includes('number') ? types.filter((one) => one !== 'integer') : types;
  }
  const values = Array.isArray(schema.enum)
    ? schema.enum
    : schema.const === undefined
      ? []
      : [schema.const];
  return [...new Set(values.map(typeOfValue))];
}

function typeOfValue(value: Json): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return Array.isArray(value) ? 'array' : typeof value;
}

function kindOf(reading: Reading, type: string, schema: JsonObject, depth: number): Kind | null {
  switch (type) {
    case 'string':
      return { suffix: 'string', takes: isString, parts: STRING_PARTS };
    case 'integer':
      return { suffix: 'long', takes: isNumber, parts: [part('', LONG, true, long)] };
    case 'number':
      return { suffix: 'number', takes: isNumber, parts: [part('_micros', LONG, true, micros)] };
    case 'boolean':
      return { suffix: 'bool', takes: isBoolean, parts: [part('', BOOL, true, same)] };
    case 'object':
      return objectKind(members(reading, schema, depth - 1));
    case 'array':
      return arrayKind(reading, schema, depth);
    default:
      return null;
  }
}

const isString = (value: Json): boolean => typeof value === 'string';
const isNumber = (value: Json): boolean => typeof value === 'number';
const isBoolean = (value: Json): boolean => typeof value === 'boolean';
const same = (value: Json): Value => value as Value;

function part(
  suffix: string,
  type: CedarType,
  required: boolean,
  map: Projected['map'],
): Kind['parts'][number] {
  return { suffix, type, required, map };
}

const STRING_PARTS: Kind['parts'] = [
  part('', STRING, true, same),
  // Cedar compares letter by letter: `like "*drop*"` does not see `DROP`
  part('_folded', STRING, true, (value) => String(value).normalize('NFKC').toLowerCase()),
  part('_host', STRING, false, (value) => hostOf(String(value))),
];

/** The host of an URL or of an address of mail. */
function hostOf(text: string): string | undefined {
  const at = /^[^\s@/]+@([^\s@/]+)$/.exec(text);
  const url = at === null ? text : `https://${at[1]}/`;
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === '' ? undefined : host;
}

function long(value: Json): Value | Unfit {
  return Number.isSafeInteger(value) ? Number(value) + 0 : UNFIT;
}

/** In millionths, exact: money is never a fraction here. */
function micros(value: Json): Value | Unfit {
  const found = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(String(value));
  if (found === null) return UNFIT;
  const [, sign = '', whole = '', fraction = ''] = found;
  const scaled = Number(sign + whole + fraction.padEnd(6, '0')) + 0;
  return Number.isSafeInteger(scaled) ? scaled : UNFIT;
}

function objectKind(inner: Projection): Kind | null {
  if (inner.size === 0) return null;
  const map = (value: Json): Value | Unfit => projected(inner, value as JsonObject);
  return {
    suffix: 'object',
    takes: isJsonObject,
    parts: [part('', record(attributesOf(inner)), true, map)],
  };
}

/** Of many values a set and their number; of many objects a set for each field, for Cedar cannot look at each. */
function arrayKind(reading: Reading, schema: JsonObject, depth: number): Kind {
  const count = part('_count', LONG, true, (value) => (value as readonly Json[]).length);
  const { kinds, nullable } = kindsOf(reading, schema.items, depth - 1);
  const [only] = kinds;
  const parts = [count];
  if (kinds.length === 1 && only !== undefined && !nullable)
    for (const each of only.parts) {
      if (!each.required) continue;
      const inner = each.type.kind === 'Record' ? null : each.type;
      if (inner !== null && inner.kind !== 'Set')
        parts.push(part(each.suffix, setOf(inner), true, setMap(only.takes, each.map)));
    }
  const item = resolved(reading.root, schema.items, DEPTH);
  if (item !== null && typesOf(item).join() === 'object')
    parts.push(...eachParts(members(reading, item, depth - 2)));
  return { suffix: 'array', takes: (value) => Array.isArray(value), parts };
}

function eachParts(fields: Projection): Kind['parts'] {
  return [...fields].flatMap(([name, field]) => {
    if (field.type.kind === 'Record' || field.type.kind === 'Set') return [];
    const map = (value: Json): Value | Unfit => {
      const found: Value[] = [];
      for (const item of value as readonly Json[]) {
        if (!isJsonObject(item)) return UNFIT;
        const one = ofMember(field, item);
        if (one === UNFIT) return UNFIT;
        if (one !== undefined) found.push(one);
      }
      return new SetValue(found);
    };
    return [part(`_each_${name}`, setOf(field.type), true, map)];
  });
}

function setMap(takes: (value: Json) => boolean, map: Projected['map']): Projected['map'] {
  return (value) => {
    const found: Value[] = [];
    for (const item of value as readonly Json[]) {
      const one = takes(item) ? map(item) : UNFIT;
      if (one === UNFIT || one === undefined) return UNFIT;
      found.push(one);
    }
    return new SetValue(found);
  };
}

export function attributesOf(projection: Projection): Attributes {
  return Object.fromEntries(
    [...projection].map(([name, { type, required }]) => [name, { type, required }]),
  );
}

/** The record of these attributes; UNFIT when one of them cannot be made of what was sent. */
export function projected(projection: Projection, given: JsonObject): RecordValue | Unfit {
  const made: { [name: string]: Value } = Object.create(null);
  for (const [name, one] of projection) {
    const value = ofMember(one, given);
    if (value === UNFIT) return UNFIT;
    if (value !== undefined) made[name] = value;
  }
  return made;
}

function ofMember(one: Projected, given: JsonObject): Value | Unfit | undefined {
  const value = Object.hasOwn(given, one.from) ? given[one.from] : undefined;
  if (value === undefined || value === null) return one.required ? UNFIT : undefined;
  const made = one.map(value);
  return made === undefined && one.required ? UNFIT : made;
}

/** A schema with its local reference followed; null for what is no schema or leads elsewhere. */
function resolved(root: JsonObject, given: Json | undefined, hops: number): JsonObject | null {
  if (!isJsonObject(given) || hops === 0) return null;
  const { $ref: reference } = given;
  if (typeof reference !== 'string') return given;
  return resolved(root, pointed(root, reference), hops - 1);
}
