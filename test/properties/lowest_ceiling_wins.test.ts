import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MODES } from '../../src/domain/mode.ts';
import type { Check } from '../../src/judge/check.ts';
import { CHECKS, judge } from '../../src/judge/judge.ts';
import { facts } from './arbitrary.ts';

const rank = (mode: (typeof MODES)[number]): number => MODES.indexOf(mode);
const ceilings = fc.constantFrom(...MODES);
const saying =
  (ceiling: (typeof MODES)[number]): Check =>
  () => ({ ceiling, code: 'X', reason: 'said so' });

test('lowest_ceiling_wins: the decision is never above any verdict', () => {
  fc.assert(
    fc.property(facts, (f) => {
      const decision = judge(f);
      for (const verdict of decision.verdicts)
        assert.ok(rank(decision.mode) <= rank(verdict.ceiling), verdict.check);
      assert.equal(decision.verdicts.length, CHECKS.size, 'every verdict is kept');
    }),
    { numRuns: 2000 },
  );
});

test('lowest_ceiling_wins: adding a check never raises, and order does not matter', () => {
  fc.assert(
    fc.property(facts, ceilings, fc.array(ceilings, { maxLength: 5 }), (f, extra, others) => {
      const base = new Map(others.map((c, i) => [`c${i}`, saying(c)]));
      const more = new Map([...base, ['extra', saying(extra)]]);
      const reversed = new Map([...more].reverse());
      if (base.size > 0) assert.ok(rank(judge(f, more).mode) <= rank(judge(f, base).mode));
      assert.equal(judge(f, more).mode, judge(f, reversed).mode);
      const full = new Map([...CHECKS, ['extra', saying(extra)]]);
      assert.ok(rank(judge(f, full).mode) <= rank(judge(f).mode));
    }),
    { numRuns: 1000 },
  );
});
