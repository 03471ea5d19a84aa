import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { pointed } from '../domain/pointer.ts';
import { compilePattern } from './pattern.ts';

const DEPTH = 6;

/** Tried where a pattern or a format asks for something. */
const TEXTS = [
  ...['a', 'A', '1', 'abc', 'ABC', 'a1', 'A1', '123', '12345678', 'x_1', 'a-1', 'a.b', '/a', 'a/b'],
  ...['someone@example.com', 'https://example.com/', '2026-01-05', '2026-01-05T09:00:00Z', '09:00'],
  ...[
    '00000000-0000-4000-8000-000000000000',
    '192.0.2.1',
    'EUR',
    'acct_1',
    'true',
    'DE02120300000000202051',
  ],
];
const FORMATS: { readonly [format: string]: string } = {
  email: 'someone@example.com',
  uri: 'https://example.com/',
  url: 'https://example.com/',
  'date-time': '2026-01-05T09:00:00Z',
  date: '2026-01-05',
  time: '09:00:00Z',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
  hostname: 'example.com',
};

/** A small value that fits a schema, as far as one can be guessed: whoever needs one that fits must check it. */
export function sample(given: Json | undefined, root: JsonObject, depth = DEPTH): Json {
  const schema = isJsonObject(given) ? resolved(given, root) : {};
  if (depth === 0) return null;
  if (schema.const !== undefined) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null;
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  const [branch] = ['anyOf', 'oneOf', 'allOf'].flatMap((kind) =>
    Array.isArray(schema[kind]) ? schema[kind] : [],
  );
  if (schema.type === undefined && branch !== undefined) return sample(branch, root, depth - 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  switch (type) {
    case 'string':
      return textFor(schema);
    case 'integer':
    case 'number':
      return numberFor(schema);
    case 'boolean':
      return false;
    case 'array': {
      const least = typeof schema.minItems === 'number' ? Math.min(schema.minItems, 100) : 0;
      return Array.from({ length: least }, () => sample(schema.items, root, depth - 1));
    }
    case 'null':
      return null;
    default:
      return objectFor(schema, root, depth);
  }
}

function objectFor(schema: JsonObject, root: JsonObject, depth: number): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const needed = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return Object.fromEntries(
    needed.map((name) => [name, sample(properties[name], root, depth - 1)]),
  );
}

function textFor({ pattern, format, minLength, maxLength }: JsonObject): string {
  const least = typeof minLength === 'number' ? Math.min(minLength, 1_000) : 0;
  const most = typeof maxLength === 'number' ? maxLength : 1_000;
  if (typeof format === 'string' && Object.hasOwn(FORMATS, format)) return FORMATS[format] ?? 'a';
  const usual = 'a'.repeat(Math.min(Math.max(least, 1), most));
  if (typeof pattern !== 'string') return usual;
  try {
    const fits = compilePattern(pattern);
    return [usual, ...TEXTS].find((text) => text.length >= least && fits.test(text)) ?? usual;
  } catch {
    return usual;
  }
}

function numberFor({ minimum, exclusiveMinimum, maximum, multipleOf }: JsonObject): number {
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : 1;
  const least =
    typeof minimum === 'number'
      ? Math.ceil(minimum / step) * step
      : typeof exclusiveMinimum === 'number'
        ? (Math.floor(exclusiveMinimum / step) + 1) * step
        : step;
  return typeof maximum === 'number' && least > maximum ? Math.floor(maximum / step) * step : least;
}

function resolved(schema: JsonObject, root: JsonObject): JsonObject {
  const { $ref: reference } = schema;
  if (typeof reference !== 'string' || !reference.startsWith('#/')) return schema;
  const at = pointed(root, reference);
  return isJsonObject(at) ? at : {};
}
