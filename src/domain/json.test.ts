import assert from 'node:assert/strict';
import { test } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonical } from './json.ts';

test('canonical bytes are those of RFC 8785, as another implementation makes them', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      assert.equal(canonical(value), canonicalize(value));
    }),
    { numRuns: 2_000 },
  );
  assert.equal(canonical({ b: 1, a: undefined, '\u20ac': 1e21 }), '{"b":1,"€":1e+21}');
});

test('what JSON cannot say exactly is refused, not rounded', () => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud83d',
    { '\ud83d': 1 },
    1n,
    [() => 1],
  ])
    assert.throws(() => canonical(value), RangeError);
});
