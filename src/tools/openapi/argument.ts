import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { patternProblem } from '../schema.ts';
import { OpenapiFault, type References } from './references.ts';

/** An argument as `signalbox.yaml` has it, and what was left out of its schema. */
export interface Argument {
  readonly definition: JsonObject;
  /** Null is among its values: it may be left out instead. */
  readonly nullable: boolean;
}

const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/;
const MAX_DEPTH = 4;
const MAX_PROPERTIES = 48;
const MAX_ENUM = 200;
const FORMATS = new Set(['date', 'date-time', 'email', 'uuid']);
const TEXT_USUAL = 1_000;

/** Closed and typed, or an OpenapiFault that says why not. `note` hears what was left out. */
export function argumentOf(
  schema: Json | undefined,
  references: References,
  note: (words: string) => void,
  depth = 0,
): Argument {
  if (depth > MAX_DEPTH)
    throw new OpenapiFault(`it is nested deeper than ${MAX_DEPTH}, or in a circle`);
  const { schema: one, nullable } = single(
    merged(references.at(schema), references, depth),
    references,
  );
  const described =
    typeof one.description === 'string' ? { description: shortened(one.description) } : {};
  const values = one.const !== undefined ? [one.const] : one.enum;
  const { type, nullable: orNull } = typeOf(one, values);
  const definition: { [keyword: string]: Json } = { type, ...described };
  switch (type) {
    case 'string':
      Object.assign(definition, textOf(one, values, note));
      break;
    case 'integer':
    case 'number':
      Object.assign(definition, numberOf(one, type, values, note));
      break;
    case 'boolean':
      break;
    case 'array': {
      const { definition: items } = argumentOf(one.items as Json, references, note, depth + 1);
      Object.assign(definition, { items, ...counts(one, ['minItems', 'maxItems'], 10_000) });
      break;
    }
    default:
      definition.properties = propertiesOf(one, references, note, depth);
  }
  return { definition, nullable: nullable || orNull };
}

/** Only what is named goes in; the rest of an open object stays out. */
function propertiesOf(
  schema: JsonObject,
  references: References,
  note: (words: string) => void,
  depth: number,
): JsonObject {
  const properties = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  if (properties.length === 0) throw new OpenapiFault('it is an object that names no members');
  if (properties.length > MAX_PROPERTIES)
    throw new OpenapiFault(`it has ${properties.length} members, at most ${MAX_PROPERTIES}`);
  const kept: [string, JsonObject][] = [];
  for (const [name, inner] of properties) {
    const needed = required.includes(name);
    try {
      // the members of a whole body get names of their own
      if (depth > 0 && !NAME.test(name)) throw new OpenapiFault('its name cannot be an argument');
      const resolved = references.at(inner);
      if (resolved.readOnly === true) continue;
      const { definition, nullable } = argumentOf(inner, references, note, depth + 1);
      kept.push([name, { ...definition, ...(needed && !nullable ? {} : { optional: true }) }]);
    } catch (error) {
      if (!(error instanceof OpenapiFault) || needed) throw error;
      note(`\`${name.slice(0, 60)}\` left out: ${error.message}`);
    }
  }
  if (kept.length === 0) throw new OpenapiFault('it is an object of which nothing can be used');
  return Object.fromEntries(kept);
}

/** The members of `allOf` together; every part may only add. */
function merged(schema: JsonObject, references: References, depth: number): JsonObject {
  if (!Array.isArray(schema.allOf)) return schema;
  if (depth > MAX_DEPTH) throw new OpenapiFault('it is put together in a circle');
  const { allOf, ...own } = schema;
  const parts = [
    ...(allOf as Json[]).map((part) => merged(references.at(part), references, depth + 1)),
    own,
  ];
  const properties = parts.flatMap((part) =>
    isJsonObject(part.properties) ? Object.entries(part.properties) : [],
  );
  const required = parts.flatMap((part) =>
    Array.isArray(part.required) ? (part.required as Json[]) : [],
  );
  return {
    ...Object.assign({}, ...parts),
    ...(properties.length === 0 ? {} : { properties: Object.fromEntries(properties) }),
    ...(required.length === 0 ? {} : { required }),
  } as JsonObject;
}

/** `oneOf` and `anyOf` of one real choice and null, or of nothing but listed values. */
function single(
  schema: JsonObject,
  references: References,
): { schema: JsonObject; nullable: boolean } {
  const choices = schema.oneOf ?? schema.anyOf;
  if (!Array.isArray(choices)) return { schema, nullable: schema.nullable === true };
  const all = (choices as Json[]).map((choice) => references.at(choice));
  const real = all.filter(({ type }) => type !== 'null');
  const [only] = real;
  const { oneOf: _, anyOf: __, ...rest } = schema;
  if (only !== undefined && real.length === 1)
    return { schema: { ...rest, ...only }, nullable: real.length < all.length };
  const listed = real.flatMap(({ enum: values, const: value }) =>
    value !== undefined ? [value] : Array.isArray(values) ? (values as Json[]) : [null],
  );
  if (real.length > 0 && !listed.includes(null))
    return {
      schema: { ...rest, type: typeof listed[0] as string, enum: listed },
      nullable: real.length < all.length,
    };
  throw new OpenapiFault('it may be of several shapes (`oneOf`, `anyOf`)');
}

const TYPES = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object']);

function typeOf(schema: JsonObject, values: Json | undefined): { type: string; nullable: boolean } {
  const { type } = schema;
  const listed = Array.isArray(type) ? (type as Json[]) : [type];
  const real = listed.filter((one) => one !== 'null' && one !== undefined);
  const nullable = listed.includes('null');
  if (real.length === 1 && TYPES.has(String(real[0]))) return { type: String(real[0]), nullable };
  if (real.length > 1) throw new OpenapiFault('it may be of several types');
  if (isJsonObject(schema.properties)) return { type: 'object', nullable };
  if (schema.items !== undefined) return { type: 'array', nullable };
  const [first] = Array.isArray(values) ? (values as Json[]) : [];
  if (typeof first === 'string' || typeof first === 'boolean')
    return { type: typeof first, nullable };
  if (typeof first === 'number')
    return { type: Number.isInteger(first) ? 'integer' : 'number', nullable };
  throw new OpenapiFault('it has no type');
}

function textOf(
  schema: JsonObject,
  values: Json | undefined,
  note: (words: string) => void,
): JsonObject {
  const { pattern, format } = schema;
  if (Array.isArray(values)) return choices(values as Json[], 'string');
  const why = typeof pattern === 'string' ? patternProblem(pattern) : null;
  if (why !== null) note(`the pattern \`${String(pattern).slice(0, 60)}\` is left out: ${why}`);
  const known = typeof format === 'string' && FORMATS.has(format) ? { format } : {};
  return {
    ...counts(schema, ['minLength', 'maxLength'], 100_000),
    ...(schema.maxLength === undefined && known.format === undefined
      ? { maxLength: TEXT_USUAL }
      : {}),
    ...(typeof pattern === 'string' && why === null && pattern.length <= 500 ? { pattern } : {}),
    ...known,
  };
}

/** 3.0 says `exclusiveMinimum: true`, 3.1 a number. Only whole numbers have a next one. */
function numberOf(
  schema: JsonObject,
  type: 'integer' | 'number',
  values: Json | undefined,
  note: (words: string) => void,
): JsonObject {
  if (Array.isArray(values)) return choices(values as Json[], type);
  const bound = (plain: 'minimum' | 'maximum', exclusive: string, step: number): JsonObject => {
    const [given, beyond] = [schema[plain], schema[exclusive]];
    const open = typeof beyond === 'number' ? beyond : beyond === true ? given : undefined;
    if (typeof open !== 'number')
      return typeof given === 'number' && Number.isFinite(given) ? { [plain]: given } : {};
    if (type === 'integer')
      return { [plain]: step > 0 ? Math.floor(open) + 1 : Math.ceil(open) - 1 };
    note(`its bound ${open} is taken as included`);
    return { [plain]: open };
  };
  return {
    ...bound('minimum', 'exclusiveMinimum', 1),
    ...bound('maximum', 'exclusiveMaximum', -1),
  };
}

function choices(values: readonly Json[], type: string): JsonObject {
  const fit = values.filter((value) =>
    type === 'integer' ? Number.isInteger(value) : typeof value === type,
  );
  if (fit.length === 0 || fit.length > MAX_ENUM)
    throw new OpenapiFault(`it lists ${fit.length} values, expected 1 to ${MAX_ENUM}`);
  return { enum: [...new Set(fit)] };
}

function counts(schema: JsonObject, names: readonly string[], most: number): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = schema[name];
      return typeof value === 'number' && Number.isInteger(value) && value >= 0
        ? [[name, Math.min(value, most)]]
        : [];
    }),
  );
}

export function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
