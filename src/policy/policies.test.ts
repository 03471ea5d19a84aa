import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectVector } from '../domain/effect.ts';
import { measuredRead } from '../domain/measured.ts';
import type { PolicyAlarm } from '../domain/policy.ts';
import { PACK } from './pack.ts';
import { PolicyRoom } from './policies.ts';
import { type Cedar, freshCedar, Reference } from './reference.ts';
import { bundleOf, factsOf, NOW, toolOf } from './testing/stage.ts';

const PERMIT = { permit: 'permit (principal, action, resource);' };

function asked(set: { readonly [id: string]: string }, tool: string, more = {}) {
  const alarms: PolicyAlarm[] = [];
  const room = new PolicyRoom((alarm) => alarms.push(alarm));
  const ruling = room.rulingFor(factsOf(bundleOf({ set }), tool, more));
  return { ruling, alarms, ceiling: ruling?.ceiling };
}

test('a bundle of the time before policies is not asked, nor is what other checks deny', () => {
  const room = new PolicyRoom();
  assert.equal(room.rulingFor(factsOf(bundleOf(undefined), 'look')), null);
  const bundle = bundleOf({ set: PERMIT });
  for (const gap of [{ tool: null }, { run: null }, { inputProblems: ['`id` is missing'] }])
    assert.equal(room.rulingFor(factsOf(bundle, 'look', gap)), null);
});

test('no policy permits: no', () => {
  assert.deepEqual(asked({}, 'look').ruling?.code, 'POLICY_PERMITS_NOT');
  assert.equal(asked({}, 'look').ceiling, 'deny');
});

test('the first mode from the top that is allowed is the ceiling, with the forbid that held it down', () => {
  const ladder = (modes: string) => ({
    ...PERMIT,
    no: `@reason("not so fast") @fix("ask") @approvers("finance, ops")
forbid (principal, action == Action::"pay", resource) when { [${modes}].contains(context.mode) };`,
  });
  const pay = { arguments: { amount: 1, to: 'x' } };
  const mode = (...names: string[]) => names.map((name) => `Mode::"${name}"`).join(', ');
  const { ruling } = asked(ladder(mode('auto')), 'pay', pay);
  assert.deepEqual(ruling, {
    ceiling: 'approve',
    code: 'POLICY_FORBIDS',
    reason: '`no`: not so fast',
    fix: 'ask',
    policies: ['no'],
    approvers: ['finance', 'ops'],
  });
  assert.equal(asked(ladder(mode('auto', 'approve')), 'pay', pay).ceiling, 'stage');
  assert.equal(asked(ladder(mode('auto', 'approve', 'stage')), 'pay', pay).ceiling, 'draft');
  const all = ladder(mode('auto', 'approve', 'stage', 'draft'));
  assert.equal(asked(all, 'pay', pay).ceiling, 'deny');
  assert.equal(asked(all, 'look').ceiling, 'auto', 'another tool is another slice');
});

test('money is compared in millionths, null is absent, and what cannot be said exactly is refused', () => {
  const set = {
    ...PERMIT,
    dear: 'forbid (principal, action == Action::"pay", resource) when { context.args.amount_micros > 1500000 };',
    noted:
      'forbid (principal, action == Action::"pay", resource) when { context.args has note_folded && context.args.note_folded like "*urgent*" };',
  };
  const pay = (amount: number, note: string | null = null) =>
    asked(set, 'pay', { arguments: { amount, to: 'x', note } }).ruling;
  assert.equal(pay(1.5)?.ceiling, 'auto');
  assert.equal(pay(1.500001)?.ceiling, 'deny');
  assert.equal(pay(0.1 + 0.2)?.code, 'POLICY_ARGUMENT');
  assert.equal(pay(1e300)?.code, 'POLICY_ARGUMENT');
  assert.deepEqual(pay(1, 'very URGENT')?.policies, ['noted']);
});

test('a forbid that cannot be evaluated denies, also where a lower mode would do', () => {
  const set = {
    ...PERMIT,
    sum: 'forbid (principal, action == Action::"pay", resource) when { context.args has count && context.args.count * 9007199254740991 > 5 };',
  };
  const pay = (count: number) => asked(set, 'pay', { arguments: { amount: 1, to: 'x', count } });
  assert.equal(pay(0).ceiling, 'auto');
  const { ruling } = pay(9_007_199_254_740_991);
  assert.equal(ruling?.ceiling, 'deny');
  assert.equal(ruling?.code, 'POLICY_FAILED');
  assert.deepEqual(ruling?.policies, ['sum']);
});

test('a permit that cannot be evaluated permits nothing', () => {
  const set = {
    sum: 'permit (principal, action == Action::"pay", resource) when { context.args.count * 9007199254740991 > 5 };',
  };
  const { ruling } = asked(set, 'pay', {
    arguments: { amount: 1, to: 'x', count: 9_007_199_254_740_991 },
  });
  assert.equal(ruling?.code, 'POLICY_PERMITS_NOT');
});

test('what was measured is judged again, in place of the cap', () => {
  const set = {
    ...PERMIT,
    many: 'forbid (principal, action, resource) when { context.effect.measured && context.effect.rowsRead > 3 };',
  };
  assert.equal(asked(set, 'look').ceiling, 'auto');
  assert.equal(asked(set, 'look', { measured: measuredRead(3) }).ceiling, 'auto');
  assert.equal(asked(set, 'look', { measured: measuredRead(4) }).ceiling, 'deny');
});

test('policies that cannot be read deny everything, and somebody is told', () => {
  const { ruling, alarms } = asked({ broken: 'permit (principal' }, 'look');
  assert.equal(ruling?.ceiling, 'deny');
  assert.equal(ruling?.code, 'POLICY_FAILED');
  assert.equal(alarms[0]?.kind, 'failed');
});

test('what only the reference engine knows is left to it, and somebody is told', () => {
  const set = {
    ...PERMIT,
    local:
      'forbid (principal, action, resource) when { ip("10.0.0.1").isLoopback() || context.tool.name == "drop" };',
  };
  const { ceiling, alarms } = asked(set, 'look');
  assert.equal(ceiling, 'auto');
  assert.equal(asked(set, 'drop').ceiling, 'deny');
  assert.deepEqual(
    alarms.map(({ kind, tool }) => [kind, tool]),
    [['fallback', 'look']],
  );
});

/** An engine that answers what it is told to. */
function engineThat(answers: (real: Cedar) => Partial<Cedar>): () => Reference {
  return () =>
    new Reference(() => {
      const real = freshCedar();
      return { ...real, ...answers(real) };
    });
}

test('when compiled and reference disagree the reference decides, and somebody is told', () => {
  const alarms: PolicyAlarm[] = [];
  const room = new PolicyRoom(
    (alarm) => alarms.push(alarm),
    engineThat(() => ({
      statefulIsAuthorized: () => ({
        type: 'success',
        response: { decision: 'deny', diagnostics: { reason: [], errors: [] } },
        warnings: [],
      }),
    })),
  );
  const ruling = room.rulingFor(factsOf(bundleOf({ set: PERMIT }), 'look'));
  assert.equal(ruling?.ceiling, 'deny');
  assert.equal(alarms[0]?.kind, 'disagreed');
});

test('an allow that no policy determined is a no', () => {
  const room = new PolicyRoom(
    undefined,
    engineThat(() => ({
      statefulIsAuthorized: () => ({
        type: 'success',
        response: { decision: 'allow', diagnostics: { reason: [], errors: [] } },
        warnings: [],
      }),
    })),
  );
  const ruling = room.rulingFor(factsOf(bundleOf({ set: PERMIT }), 'look'));
  assert.equal(ruling?.code, 'POLICY_FAILED');
});

test('a trap denies, the instance is replaced, and other policies go on', () => {
  let loads = 0;
  const reference = new Reference(() => {
    loads++;
    return freshCedar();
  });
  const room = new PolicyRoom(undefined, () => reference);
  const deep = Array.from({ length: 450 }, () => 'context.tool.production').join(' && ');
  const ip = 'ip("10.0.0.1").isLoopback()'; // keeps it with the reference engine
  const trapping = {
    ...PERMIT,
    deep: `forbid (principal, action == Action::"drop", resource) when { ${ip} || (${deep}) };`,
  };
  const bundle = bundleOf({ set: trapping });
  assert.equal(room.rulingFor(factsOf(bundle, 'drop'))?.code, 'POLICY_FAILED');
  assert.equal(room.rulingFor(factsOf(bundle, 'drop'))?.code, 'POLICY_FAILED', 'and stays so');
  assert.equal(room.rulingFor(factsOf(bundle, 'look'))?.ceiling, 'auto');
  assert.equal(loads, 2);
});

test('the default pack: reads pass, what destroys, leaves or redirects is asked about, a freeze holds', () => {
  const room = new PolicyRoom((alarm) => assert.fail(alarm.why));
  const policies = { set: PACK };
  const bundle = bundleOf(policies);
  assert.equal(room.rulingFor(factsOf(bundle, 'look'))?.code, 'OK');
  assert.equal(room.rulingFor(factsOf(bundle, 'drop'))?.ceiling, 'approve');
  const api = { name: 'api', kind: 'http', environment: 'staging', settings: { inside: false } };
  const send = toolOf('send', { connection: 'api' });
  const outside = bundleOf(policies, { tools: [send], connection: api });
  const left = room.rulingFor(factsOf(outside, 'send'));
  assert.equal(left?.ceiling, 'approve');
  assert.ok(left?.policies.includes('signalbox.egress'));
  const frozen = bundleOf({
    set: PACK,
    freezes: [{ name: 'year end', from: NOW - 60_000, until: NOW + 60_000 }],
    hours: { days: [1, 2, 3, 4, 5], from: 480, until: 1080, timezone: 'Europe/Berlin' },
  });
  const pay = { arguments: { amount: 1, to: 'x' } };
  assert.equal(room.rulingFor(factsOf(frozen, 'pay', pay))?.ceiling, 'draft');
  const after = room.rulingFor(factsOf(frozen, 'pay', { ...pay, now: NOW + 60_000 }));
  assert.equal(after?.ceiling, 'approve');
  assert.ok(!after?.policies.includes('signalbox.off-hours'), '10:31 in Berlin');
  const night = room.rulingFor(factsOf(frozen, 'pay', { ...pay, now: NOW + 9 * 3_600_000 }));
  assert.ok(night?.policies.includes('signalbox.off-hours'), '19:30 in Berlin');
});

test('the cap stands for the effect until it is measured', () => {
  const set = {
    ...PERMIT,
    wide: 'forbid (principal, action, resource) when { context.effect.rowsWritten >= 10 };',
  };
  assert.equal(asked(set, 'drop').ceiling, 'deny');
  const effect = effectVector({ calls: 1, rowsWritten: 9 });
  const measured = { ...measuredRead(0), effect };
  assert.equal(asked(set, 'drop', { measured }).ceiling, 'auto');
});

test('policies are made ready in steps: the reference engine decides until a tool is through', async () => {
  const turns: (() => void)[] = [];
  const asks = { count: 0 };
  const room = new PolicyRoom(
    (alarm) => assert.fail(alarm.why),
    engineThat((real) => ({
      statefulIsAuthorized: (call) => {
        asks.count++;
        return real.statefulIsAuthorized(call);
      },
    })),
    () => new Promise((resolve) => turns.push(resolve)),
  );
  const bundle = bundleOf({ set: PACK });
  const done = room.ready(bundle);
  assert.equal(room.ready(bundle), done, 'once is enough');
  const atOnce = asks.count;
  assert.ok(atOnce <= 4, `one step asks one question of each mode, not ${atOnce}`);
  assert.equal(room.rulingFor(factsOf(bundle, 'drop'))?.ceiling, 'approve');
  assert.equal(asks.count, atOnce + 2, 'by the reference engine: `auto`, `approve`');
  for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
    turn();
    await Promise.resolve();
  }
  await done;
  const { count } = asks;
  for (const tool of ['look', 'drop', 'pay'])
    room.rulingFor(factsOf(bundle, tool, { arguments: { amount: 1, to: 'x' } }));
  assert.equal(asks.count, count, 'no question pays for anything any more');
  // as it comes back from the store, once it was applied
  assert.equal(room.rulingFor(factsOf({ ...bundle }, 'drop'))?.ceiling, 'approve');
  assert.equal(asks.count, count);
});
