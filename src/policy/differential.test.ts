import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differential } from './testing/differential.ts';

test('compiled policies and the reference engine agree on decision, reasons and errors', () => {
  const { cases, mismatches, withErrors, uncompiled } = differential({
    seed: 20261130,
    cases: 600,
  });
  assert.ok(cases >= 600);
  assert.deepEqual(mismatches, []);
  assert.equal(uncompiled, 0);
  assert.ok(withErrors > cases / 20, `${withErrors} of ${cases} met a policy that fails`);
});
