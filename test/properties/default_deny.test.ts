import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHECKS, judge } from '../../src/judge/judge.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { Reference } from '../../src/policy/reference.ts';
import { bundleOf, factsOf } from '../../src/policy/testing/stage.ts';
import { facts } from './arbitrary.ts';

test('default_deny: no run, no tool or no grant denies', () => {
  fc.assert(
    fc.property(facts, (f) => {
      for (const gap of [{ run: null }, { tool: null }, { rung: null }])
        assert.equal(judge({ ...f, ...gap }).mode, 'deny');
    }),
    { numRuns: 1000 },
  );
});

test('default_deny: a check that throws denies, whichever it is, and so does a judge without checks', () => {
  const broken = (): never => {
    throw new Error('broken');
  };
  fc.assert(
    fc.property(facts, fc.constantFrom(...CHECKS.keys()), (f, name) => {
      assert.equal(judge(f, new Map([...CHECKS, [name, broken]])).mode, 'deny');
      assert.equal(judge(f, new Map()).mode, 'deny');
    }),
    { numRuns: 500 },
  );
});

test('default_deny: policies that were not asked, permit nothing, cannot be read or whose engine fails deny', () => {
  const down = (): Reference =>
    new Reference(() => {
      throw new Error('down');
    });
  const permit = { permit: 'permit (principal, action, resource);' };
  const bundle = bundleOf({ set: permit });
  assert.equal(judge(factsOf(bundle, 'look')).mode, 'deny', 'not asked');
  const rooms: [PolicyRoom, { readonly [id: string]: string }][] = [
    [new PolicyRoom(), {}],
    [new PolicyRoom(), { broken: 'permit (principal' }],
    [new PolicyRoom(undefined, down), permit],
  ];
  for (const [room, set] of rooms) {
    const given = factsOf(bundleOf({ set }), 'look');
    assert.equal(judge({ ...given, policy: room.rulingFor(given) }).mode, 'deny');
  }
  const given = factsOf(bundle, 'look');
  assert.equal(judge({ ...given, policy: new PolicyRoom().rulingFor(given) }).mode, 'auto');
  fc.assert(
    fc.property(facts, (f) => {
      assert.equal(judge({ ...f, bundle, policy: null }).mode, 'deny');
    }),
    { numRuns: 500 },
  );
});
