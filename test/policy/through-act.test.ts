import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { judge } from '../../src/judge/judge.ts';
import { Shadow, type ShadowReport } from '../../src/policy/shadow.ts';
import { openWorld } from '../properties/world.ts';

const PERMIT = { permit: 'permit (principal, action, resource);' };

function proposal(runId: string, tool: string, given: JsonObject = {}) {
  return { runId, tool, arguments: given, via: 'test' };
}

test('what was measured before commit is judged by policy: more rows than it allows are taken back', async (t) => {
  const world = await openWorld(t);
  const few = `forbid (principal, action == Action::"change", resource)
when { context.effect.measured && context.effect.rowsWritten > 1 };`;
  await world.apply(() => ({ policies: { set: { ...PERMIT, few } } }));
  const run = await world.run('ann');
  const parked = await act(world.broker, proposal(run, 'change'));
  assert.equal(parked.kind, 'parked');
  await world.approve(parked.kind === 'parked' ? parked.approvalId : '');
  world.target.rowsWritten = 2;
  const refused = await act(world.broker, proposal(run, 'change'));
  assert.equal(refused.kind === 'refused' && refused.refusal.code, 'POLICY_FORBIDS');
  assert.deepEqual(world.target.effects, []);
  world.target.rowsWritten = 1;
  const again = await act(world.broker, proposal(run, 'change', { other: true }));
  await world.approve(again.kind === 'parked' ? again.approvalId : '');
  const done = await act(world.broker, proposal(run, 'change', { other: true }));
  assert.equal(done.kind, 'done');
});

test('a policy that forbids is recorded with its reason, and a read that none concerns passes', async (t) => {
  const world = await openWorld(t);
  const never = `@reason("not this one") @fix("use another")
forbid (principal, action == Action::"wipe", resource);`;
  await world.apply(() => ({ policies: { set: { ...PERMIT, never } } }));
  const run = await world.run('ann');
  const refused = await act(world.broker, proposal(run, 'wipe'));
  assert.ok(refused.kind === 'refused');
  assert.deepEqual(refused.refusal.reasons, [
    {
      check: 'policy',
      code: 'POLICY_FORBIDS',
      reason: '`never`: not this one',
      fix: 'use another',
    },
  ]);
  assert.equal((await act(world.broker, proposal(run, 'look'))).kind, 'done');
  const events = await world.store.timeline(run, 0, 100);
  const denied = events.find(({ type }) => type === 'action.denied');
  assert.match(denied?.body ?? '', /"check":"policy","code":"POLICY_FORBIDS"/);
});

test('policies that cannot be read deny what was granted', async (t) => {
  const world = await openWorld(t);
  await world.apply(() => ({ policies: { set: { broken: 'permit (' } } }));
  const refused = await act(world.broker, proposal(await world.run('ann'), 'look'));
  assert.equal(refused.kind === 'refused' && refused.refusal.code, 'POLICY_FAILED');
});

test('a candidate beside the policies is asked about what was decided, and decides nothing', async (t) => {
  const world = await openWorld(t);
  const never = 'forbid (principal, action == Action::"look", resource);';
  const policies = { set: PERMIT, candidate: { ...PERMIT, never } };
  await world.apply(() => ({ policies }));
  const told = Promise.withResolvers<ShadowReport>();
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const shadow = new Shadow({ pause, judge, tell: told.resolve });
  const broker = { ...world.broker, shadow };
  assert.equal((await act(broker, proposal(await world.run('ann'), 'look'))).kind, 'done');
  const { changed, transitions } = await told.promise;
  assert.deepEqual([changed, transitions], [1, { 'auto → deny': 1 }]);
});
