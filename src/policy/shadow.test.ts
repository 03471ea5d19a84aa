import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../judge/judge.ts';
import { PolicyRoom } from './policies.ts';
import { Shadow, type ShadowReport } from './shadow.ts';
import { bundleOf, factsOf, NOW } from './testing/stage.ts';

const PERMIT = { permit: 'permit (principal, action, resource);' };
const NO_PAY =
  'forbid (principal, action == Action::"pay", resource) when { context.mode == Mode::"auto" };';
const PAY = { arguments: { amount: 1, to: 'x' } };

function stage() {
  const told: ShadowReport[] = [];
  const turns: (() => void)[] = [];
  const shadow = new Shadow({
    pause: () => new Promise((resolve) => turns.push(resolve)),
    judge,
    tell: (report) => told.push(report),
  });
  /** Until nothing waits any more. */
  const settle = async (): Promise<void> => {
    for (let idle = 0; idle < 20; idle++) {
      await Promise.resolve();
      const turn = turns.shift();
      if (turn !== undefined) idle = 0;
      turn?.();
    }
  };
  return { shadow, told, settle };
}

const bundle = bundleOf({ set: PERMIT, candidate: { ...PERMIT, 'no-pay': NO_PAY } });
const room = new PolicyRoom();

function decided(tool: string, more = {}) {
  const facts = factsOf(bundle, tool, more);
  const whole = { ...facts, policy: room.rulingFor(facts) };
  return [whole, judge(whole)] as const;
}

test('a candidate is asked about what was decided, counted, and changes nothing', async () => {
  const { shadow, told, settle } = stage();
  assert.equal(shadow.report(bundle.digest), null);
  const [facts, decision] = decided('pay', PAY);
  shadow.saw(facts, decision);
  shadow.saw(...decided('look'));
  assert.equal(shadow.report(bundle.digest)?.decisions, 0, 'not while the call is on its way');
  await settle();
  assert.equal(decision.mode, 'auto');
  const report = shadow.report(bundle.digest);
  assert.deepEqual(
    [report?.decisions, report?.changed, report?.stricter, report?.transitions],
    [2, 1, 1, { 'auto → approve': 1 }],
  );
  assert.deepEqual(report?.tools, [{ tool: 'pay', changed: 1, looser: 0 }]);
  assert.match(report?.examples[0]?.why ?? '', /no-pay/);
  assert.equal(told.length, 1, 'the first disagreement is told');
  assert.equal(shadow.report('another'), null);
});

test('disagreements are told once in ten minutes; what comes too fast is dropped and counted', async () => {
  const { shadow, told, settle } = stage();
  for (let at = 0; at < 300; at++) shadow.saw(...decided('pay', PAY));
  assert.equal(shadow.report(bundle.digest)?.dropped, 44);
  await settle();
  assert.equal(shadow.report(bundle.digest)?.changed, 256);
  assert.equal(told.length, 1);
  const run = { ...factsOf(bundle, 'pay').run, expiresAt: NOW + 1e9 };
  shadow.saw(...decided('pay', { ...PAY, now: NOW + 600_000, run }));
  await settle();
  assert.deepEqual([told.length, told[1]?.changed], [2, 257]);
});

test('a new bundle begins anew', async () => {
  const { shadow, settle } = stage();
  shadow.saw(...decided('pay', PAY));
  const other = { ...bundle, digest: 'other' };
  const facts = factsOf(other, 'look');
  const whole = { ...facts, policy: room.rulingFor(facts) };
  shadow.saw(whole, judge(whole));
  await settle();
  assert.equal(shadow.report(bundle.digest), null);
  assert.deepEqual([shadow.report('other')?.decisions, shadow.report('other')?.changed], [1, 0]);
});
