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

test('members that objects order or treat by themselves stand where their names belong', () => {
  const odd = JSON.parse(
    '{"b":{"10":1,"9":2,"a":3},"__proto__":{"y":1,"x":2},"\\\\ud":"\\\\ud83d"}',
  );
  assert.equal(
    canonical(odd),
    '{"\\\\ud":"\\\\ud83d","__proto__":{"x":2,"y":1},"b":{"10":1,"9":2,"a":3}}',
  );
  assert.equal(canonical(odd), canonicalize(odd));
  assert.equal(canonical([{ b: [{ d: 1, c: undefined }], a: null }]), '[{"a":null,"b":[{"d":1}]}]');
  assert.equal(canonical({ at: new Date(0), none: Object.create(null) }), '{"at":{},"none":{}}');
});

test('what JSON cannot say exactly is refused, not rounded', () => {
  for (const value of [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '\ud83d',
    { '\ud83d': 1 },
    1n,
    [() => 1],
    [undefined],
    { a: { b: [Number.NaN] } },
    { a: '\udc00' },
  ])
    assert.throws(() => canonical(value), RangeError);
});
