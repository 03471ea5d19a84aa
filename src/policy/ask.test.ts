import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askPolicies, questionsOf } from './ask.ts';
import { PACK } from './pack.ts';
import { bundleOf, NOW } from './testing/stage.ts';

const bundle = bundleOf({
  set: {
    ...PACK,
    large:
      '@id("large") @reason("too much") forbid (principal, action == Action::"pay", resource) when { context.args.amount_micros > 5000000 && context.mode != Mode::"draft" };',
  },
});

test('an answer has every mode with the policies that decide it, by the reference engine', () => {
  const questions = questionsOf(
    [
      { agent: 'ann', tool: 'look' },
      { agent: 'ann', tool: 'pay', arguments: { amount: 6, to: 'x' }, at: '2026-12-01T09:00Z' },
      { agent: 'ann', tool: 'drop', measured: { rowsDeleted: 2 }, seen: ['private'] },
      { agent: 'ann', tool: 'pay', arguments: { amount: 0.12345678, to: 'x' } },
    ],
    NOW,
  );
  const { answers, alarms } = askPolicies(bundle, questions);
  assert.deepEqual(alarms, []);
  const [look, pay, drop, unreadable] = answers;
  assert.equal(look?.ceiling, 'auto');
  assert.deepEqual(
    pay?.modes.map(({ mode, allowed }) => [mode, allowed]),
    [
      ['auto', false],
      ['approve', false],
      ['stage', false],
      ['draft', true],
    ],
  );
  assert.ok(pay?.modes[1]?.policies.includes('large'));
  assert.equal(pay?.ceiling, 'draft');
  assert.equal(drop?.ceiling, 'approve');
  assert.ok(drop?.slice.some(({ id, effect }) => id === 'large' && effect === 'forbid') === false);
  assert.equal(unreadable?.code, 'POLICY_ARGUMENT');
  assert.deepEqual(unreadable?.modes, []);
});

test('questions that mean nothing are refused with their number', () => {
  for (const [question, expected] of [
    [{ tool: 'look' }, /question 1: expected texts/],
    [{ agent: 'a', tool: 'look', at: 'soon' }, /question 1: expected a time/],
    [{ agent: 'a', tool: 'look', seen: ['green'] }, /question 1: expected a list `seen`/],
    [
      { agent: 'a', tool: 'look', measured: { rows: 1 } },
      /question 1: expected an object `measured`/,
    ],
  ] as const)
    assert.throws(() => questionsOf([question], NOW), expected);
  assert.throws(
    () => askPolicies(bundle, questionsOf([{ agent: 'a', tool: 'nope' }], NOW)),
    /no tool/,
  );
});
