import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHECKS, judge } from '../../src/judge/judge.ts';
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
