import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MODES } from '../../src/domain/mode.ts';
import type { Check } from '../../src/judge/check.ts';
import { consult } from '../../src/judge/checks/consult.ts';
import { CHECKS, judge } from '../../src/judge/judge.ts';
import { chanceOf, pick } from '../../src/policy/chance.ts';
import { PolicyRoom } from '../../src/policy/policies.ts';
import { randomPolicies, randomPolicy } from '../../src/policy/testing/random-policies.ts';
import { bundleOf, factsOf } from '../../src/policy/testing/stage.ts';
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

test('lowest_ceiling_wins: another forbid never raises what policies allow, nor does their order matter', () => {
  let [met, lowered] = [0, 0];
  for (let seed = 1; seed <= 60; seed++) {
    const chance = chanceOf(seed);
    const set = randomPolicies(chance, 3);
    const extra = randomPolicy(chance, 'forbid');
    const sets = [set, { ...set, extra }, Object.fromEntries(Object.entries(set).reverse())];
    const amount = pick(chance, [0, 1, 3, 4_000]);
    const given = { arguments: { amount, to: pick(chance, ['a', 'pay']), count: amount } };
    const [before = 0, after = 0, reversed = 0] = sets.map((one) => {
      const f = factsOf(bundleOf({ set: one }), 'pay', given);
      const decision = judge({ ...f, policy: new PolicyRoom().rulingFor(f) });
      const [verdict] = decision.verdicts.filter(({ check }) => check === 'policy');
      assert.ok(verdict !== undefined && rank(decision.mode) <= rank(verdict.ceiling));
      return rank(verdict.ceiling);
    });
    assert.ok(after <= before, `seed ${seed}`);
    assert.equal(reversed, before, `seed ${seed}`);
    met += before > 0 ? 1 : 0;
    lowered += after < before ? 1 : 0;
  }
  assert.ok(met > 10 && lowered > 0, `${met} allowed something, ${lowered} were lowered`);
});

test('lowest_ceiling_wins: whatever those say who are asked outside, it only lowers', () => {
  let lowered = 0;
  const only = new Map([['consult', consult]]);
  fc.assert(
    fc.property(facts, (f) => {
      const [alone, asked] = [judge({ ...f, consulted: [] }), judge(f)];
      assert.ok(rank(asked.mode) <= rank(alone.mode));
      for (const { ceiling } of f.consulted) assert.ok(rank(asked.mode) <= rank(ceiling));
      // most facts are hopeless anyway: whether an answer matters shows where nothing else speaks
      if (judge(f, only).mode !== judge({ ...f, consulted: [] }, only).mode) lowered++;
    }),
    { numRuns: 2000 },
  );
  assert.ok(lowered > 0, 'some answer mattered');
});

test('lowest_ceiling_wins: of several answers the lowest counts, in any order', () => {
  const [f] = fc.sample(facts, 1);
  const said = ['auto', 'approve', 'deny'] as const;
  for (const one of said)
    for (const other of said) {
      const consulted = [one, other].map((ceiling) => ({
        ...{ consult: 'c', ceiling, code: 'CONSULT_ASKS' as const, reason: 'r' },
      }));
      const found = f === undefined ? null : consult({ ...f, consulted });
      assert.equal(rank(found?.ceiling ?? 'auto'), Math.min(rank(one), rank(other)));
    }
});
