import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { JsonObject } from '../domain/json.ts';
import { acceptsMore } from './narrower.ts';

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const definite = (definition: object): JsonObject =>
  Object.fromEntries(Object.entries(definition).filter(([, value]) => value !== undefined));

const argument: fc.Arbitrary<JsonObject> = fc.oneof(
  fc
    .record({ type: fc.constant('integer'), minimum: some(fc.nat(3)), maximum: some(fc.nat(3)) })
    .map(definite),
  fc
    .record({
      type: fc.constant('string'),
      minLength: some(fc.nat(2)),
      maxLength: some(fc.nat(2)),
      enum: some(fc.uniqueArray(fc.constantFrom('', 'a', 'b', 'ab'), { minLength: 1 })),
      pattern: some(fc.constantFrom('^a', 'b$')),
      description: some(fc.constantFrom('x', 'y')),
    })
    .map(definite),
  fc
    .record({
      items: fc.constantFrom<JsonObject>({ type: 'integer' }, { type: 'integer', minimum: 1 }),
      maxItems: some(fc.nat(2)),
    })
    .map((list) => definite({ type: 'array', ...list })),
);

const schema: fc.Arbitrary<JsonObject> = fc
  .record({ a: some(argument), b: some(argument), required: fc.subarray(['a', 'b']) })
  .map(({ a, b, required }) => ({
    type: 'object',
    properties: definite({ a, b }),
    required: required.filter((name) => (name === 'a' ? a : b) !== undefined),
    additionalProperties: false,
  }));

const value = fc.oneof(
  fc.nat(4),
  fc.constantFrom('', 'a', 'b', 'ab', 'abb'),
  fc.array(fc.nat(2), { maxLength: 3 }),
);
const input = fc.record({ a: value, b: value }, { requiredKeys: [] });

test('what is called narrower accepts nothing that was refused before', () => {
  const ajv = new Ajv2020({ strict: false });
  let narrower = 0;
  fc.assert(
    fc.property(
      schema,
      schema,
      fc.array(input, { minLength: 10, maxLength: 10 }),
      (before, after, inputs) => {
        if (acceptsMore(before, after)) return;
        narrower++;
        const [was, is] = [ajv.compile(before), ajv.compile(after)];
        for (const each of inputs)
          assert.ok(!is(each) || was(each), JSON.stringify({ before, after, each }));
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(narrower > 50, `only ${narrower} pairs`);
});

test('a schema is not wider than itself, and each kind of loosening is seen', () => {
  const text = { type: 'string', minLength: 1, maxLength: 5, pattern: '^a', enum: ['a', 'ab'] };
  const base = {
    type: 'object',
    properties: { t: text },
    required: ['t'],
    additionalProperties: false,
  };
  assert.equal(acceptsMore(base, base), false);
  const changed = (change: object) => ({
    ...base,
    properties: { t: definite({ ...text, ...change }) },
  });
  for (const change of [
    { minLength: 0 },
    { minLength: undefined },
    { maxLength: 6 },
    { maxLength: undefined },
    { pattern: undefined },
    { pattern: '^b' },
    { enum: undefined },
    { enum: ['a', 'b'] },
    { type: 'integer' },
    { type: undefined },
    { anyOf: [{}] },
  ])
    assert.equal(acceptsMore(base, changed(change)), true, JSON.stringify(change));
  for (const change of [
    { minLength: 2 },
    { maxLength: 4 },
    { enum: ['a'] },
    { description: 'new' },
    { format: 'email' },
  ])
    assert.equal(acceptsMore(base, changed(change)), false, JSON.stringify(change));
  assert.equal(acceptsMore(base, { ...base, required: [] }), true);
  assert.equal(acceptsMore(base, { ...base, additionalProperties: true }), true);
});
