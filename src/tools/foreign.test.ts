import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, JsonObject } from '../domain/json.ts';
import { foreignSchema } from './foreign.ts';

const object = (over: JsonObject): JsonObject => ({ type: 'object', ...over });
/** The schema of one argument `v`, in an object left open. */
const of = (v: Json, over: JsonObject = {}): JsonObject =>
  object({ properties: { v }, additionalProperties: true, ...over });
const says = (schema: JsonObject, input: JsonObject): readonly string[] =>
  foreignSchema(schema).check(input);
const fits = (schema: JsonObject, input: JsonObject): boolean => says(schema, input).length === 0;

const SCHEMAS: readonly Json[] = [
  true,
  false,
  {},
  { type: 'string', minLength: 2, maxLength: 3 },
  { type: ['integer', 'null'] },
  { type: 'number', minimum: 0, exclusiveMaximum: 5, multipleOf: 0.5 },
  { enum: ['a', 1, null, { b: 1 }] },
  { const: [1, 'a'] },
  { pattern: '^a+$' },
  { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 3, uniqueItems: true },
  { prefixItems: [{ type: 'string' }, { type: 'integer' }], items: false },
  { contains: { type: 'string' }, minContains: 1, maxContains: 1 },
  { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
  {
    properties: { a: true },
    patternProperties: { '^b': { type: 'integer' } },
    additionalProperties: false,
  },
  { additionalProperties: { type: 'string' } },
  { propertyNames: { maxLength: 1 }, minProperties: 1, maxProperties: 2 },
  { dependentRequired: { a: ['b'] }, dependentSchemas: { b: { required: ['c'] } } },
  { allOf: [{ type: 'integer' }, { minimum: 2 }] },
  { anyOf: [{ type: 'string' }, { type: 'integer', minimum: 2 }] },
  { oneOf: [{ type: 'integer' }, { minimum: 2 }] },
  { not: { type: 'string' } },
  JSON.parse(
    '{ "if": { "type": "string" }, "then": { "minLength": 2 }, "else": { "type": "integer" } }',
  ),
  { $ref: '#/$defs/tree' },
];
const DEFS = {
  tree: {
    type: 'object',
    properties: { a: { $ref: '#/$defs/tree' } },
    additionalProperties: false,
  },
};
const VALUES: readonly Json[] = [
  ...[null, true, 0, 1, 2, 2.5, 5, -1, '', 'a', 'aa', 'ab', 'aaaa', '\u{1F600}a'],
  ...[[], [1], [1, 1], ['a'], ['a', 1], ['a', 'b'], ['a', 1, 2], [1, 'a']],
  ...[{}, { a: 1 }, { a: 'x' }, { a: {} }, { a: { a: { b: 1 } } }, { b: 1 }, { b: 'x' }],
  ...[{ a: 1, b: 2 }, { a: 1, b: 2, c: 3 }, { ab: 1 }, { a: { a: {} } }],
];

test('answers as a validator does, for every keyword', () => {
  for (const schema of SCHEMAS) {
    const whole = of(schema, { $defs: DEFS });
    const ajv = new Ajv2020({ strict: false }).compile(whole);
    const own = foreignSchema(whole);
    assert.deepEqual(own.unchecked, []);
    for (const v of VALUES) {
      const problems = own.check({ v });
      const words = `${JSON.stringify(schema)} on ${JSON.stringify(v)}: ${problems.join('; ')}`;
      assert.equal(problems.length === 0, ajv({ v }), words);
    }
  }
});

test('what does not fit is said by name, without its value', () => {
  const schema = object({
    properties: {
      path: { type: 'string' },
      edits: { type: 'array', items: { type: 'object', required: ['old'] } },
    },
    required: ['path'],
  });
  assert.deepEqual(says(schema, { edits: [{}], extra: 'x'.repeat(100) }), [
    '`path` is missing',
    '`edits.0.old` is missing',
    '`extra` is not an argument of this tool',
  ]);
  assert.deepEqual(says(schema, { path: 7 }), ['`path`: expected string, got `7`']);
});

describe('what a server says nothing of', () => {
  const named = { properties: { a: { type: 'string' } } };
  test('a root that lists arguments takes no others', () => {
    assert.ok(!fits(object(named), { b: 1 }));
    assert.ok(fits(object({ ...named, additionalProperties: true }), { b: 1 }));
    assert.ok(fits(object({ ...named, additionalProperties: {} }), { b: 1 }));
  });
  test('a root that lists none takes any', () => {
    assert.ok(fits(object({}), { b: 1 }));
    assert.ok(fits(object({ properties: {} }), { b: 1 }));
    assert.ok(!fits(object({ additionalProperties: false }), { b: 1 }));
  });
  test('a root that lists some elsewhere is left open', () => {
    assert.ok(fits(object({ ...named, allOf: [{ properties: { b: true } }] }), { b: 1 }));
    assert.ok(fits(object({ ...named, $ref: '#/$defs/x', $defs: { x: {} } }), { b: 1 }));
  });
  test('objects inside stay as open as they are', () => {
    assert.ok(fits(of({ type: 'object', properties: { a: true } }), { v: { b: 1 } }));
  });
});

describe('references', () => {
  test('by pointer, name, anchor and absolute URI, all inside the document', () => {
    const schema = of(
      {
        anyOf: [
          { $ref: '#name' },
          { $ref: 'sub#/x~1y' },
          { $ref: 'https://acme.example/root#/$defs/n' },
        ],
      },
      {
        $id: 'https://acme.example/root',
        $defs: {
          n: { const: 1 },
          a: { $anchor: 'name', const: 2 },
          s: { $id: 'sub', 'x/y': { const: 3 } },
        },
      },
    );
    assert.deepEqual(foreignSchema(schema).unchecked, []);
    for (const v of [1, 2, 3]) assert.ok(fits(schema, { v }), String(v));
    assert.ok(!fits(schema, { v: 4 }));
  });
  test('out of the document they are left to the server', () => {
    const schema = of({ $ref: 'https://acme.example/other.json' });
    assert.ok(fits(schema, { v: 1 }));
    assert.match(foreignSchema(schema).unchecked.join(), /left to the server: `\$ref` to `https:/);
  });
  test('a circle without end is no hang', () => {
    const schema = of({ $ref: '#/$defs/a' }, { $defs: { a: { $ref: '#/$defs/a' } } });
    assert.match(says(schema, { v: 1 }).join(), /too large or too deeply nested/);
  });
});

describe('what cannot be checked is left to the server, and never turned round', () => {
  const lookahead = '^(?=a)';
  test('a pattern', () => {
    assert.ok(fits(of({ type: 'string', pattern: lookahead }), { v: 'zzz' }));
    assert.ok(!fits(of({ type: 'string', pattern: lookahead }), { v: 1 }));
    assert.match(foreignSchema(of({ pattern: lookahead })).unchecked.join(), /a pattern/);
  });
  test('under `not`, `if`, `oneOf`, `contains` and beside named members', () => {
    const open: Json[] = [
      { not: { pattern: lookahead } },
      JSON.parse(`{ "if": { "pattern": "${lookahead}" }, "then": false }`),
      { oneOf: [{ pattern: lookahead }, { type: 'string' }] },
      { patternProperties: { [lookahead]: true }, additionalProperties: false },
    ];
    for (const v of open) assert.ok(fits(of(v), { v: 'abc' }), JSON.stringify(v));
    assert.ok(fits(of(open[3] ?? null), { v: { abc: 1 } }));
    assert.ok(
      fits(of({ contains: { pattern: lookahead }, maxContains: 0, minContains: 0 }), { v: ['b'] }),
    );
  });
  test('a text longer than patterns are matched on', () => {
    assert.ok(fits(of({ pattern: '^b+$' }), { v: 'a'.repeat(10_000) }));
  });
  test('formats are remarks, other words too', () => {
    assert.ok(
      fits(of({ type: 'string', format: 'email', nullable: true, $async: true }), { v: 'x' }),
    );
  });
});

test('a schema made to cost is cut short', () => {
  const defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => {
      const next = { $ref: `#/$defs/d${i + 1}` };
      return [`d${i}`, { allOf: [next, next] }];
    }),
  );
  const schema = of({ $ref: '#/$defs/d0' }, { $defs: { ...defs, d40: true } });
  const began = performance.now();
  assert.match(says(schema, { v: 1 }).join(), /too large/);
  const twice = { allOf: [{ $ref: '#/$defs/t' }, { $ref: '#/$defs/t' }] };
  const deep = of(twice, { $defs: { t: { properties: { a: twice } } } });
  let v: Json = {};
  for (let i = 0; i < 60; i++) v = { a: v };
  assert.match(says(deep, { v }).join(), /too large/);
  assert.ok(performance.now() - began < 2_000);
});

test('what can be no input schema is refused in words', () => {
  const refused = (schema: JsonObject, words: RegExp) =>
    assert.throws(() => foreignSchema(schema), words);
  refused({ properties: {} }, /type: object/);
  refused(object({ description: 'x'.repeat(300_000) }), /bytes/);
  let deep: JsonObject = {};
  for (let i = 0; i < 80; i++) deep = { not: deep };
  refused(of(deep), /nested deeper/);
});

test('names that every object has are names like others', () => {
  const schema = object({
    properties: { constructor: { type: 'string' } },
    required: ['toString'],
  });
  assert.deepEqual(says(schema, JSON.parse('{"__proto__": 1}')), [
    '`toString` is missing',
    '`__proto__` is not an argument of this tool',
  ]);
});
