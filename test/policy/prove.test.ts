import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Claim, prove } from '../../src/broker/prove.ts';
import type { Bundle, Tool } from '../../src/domain/bundle.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Rung } from '../../src/domain/mode.ts';
import { realDoors } from '../../src/doors.ts';
import { PACK } from '../../src/policy/pack.ts';
import { INVARIANTS } from '../../src/policy/prove/invariants.ts';
import { bundleOf, PAY_INPUT, toolOf } from '../../src/policy/testing/stage.ts';
import { ChildSolver } from '../../src/system/solver.ts';
import { createInputCheck } from '../../src/tools/input.ts';
import { proveDifferential } from './prove-differential.ts';

const doors = realDoors();
const solver = new ChildSolver(doors.timers);
after(() => solver.close());
const parts = { doors, inputs: createInputCheck(), solver, patienceMs: 60_000 };

/** Needs no solver: whatever comes to it fails the test. */
const NONE = {
  solve: () => assert.fail('this is settled without a solver'),
  close: () => {},
};

const LINEAGE = {
  authority: [{ argument: 'to', kind: 'destination' as const }],
  outward: true,
  source: [],
};
/** Everything that a grant can make autonomous: what the invariants are about is for policies to stop. */
const TOOLS: readonly Tool[] = [
  toolOf('look', { effect: 'read' }),
  toolOf('pay', { inputSchema: PAY_INPUT, lineage: LINEAGE }),
  toolOf('note'),
  toolOf('redirect', {
    inputSchema: PAY_INPUT,
    lineage: { ...LINEAGE, outward: false },
  }),
  toolOf('drop', { effect: 'destroy' }),
  toolOf('wipe', { effect: 'destroy', reversibility: 'none', idempotent: false }),
];

const TIMES = {
  freezes: [{ name: 'now', from: Date.now() - 60_000, until: Date.now() + 3_600_000 }],
  hours: { days: [1, 2, 3, 4, 5], from: 480, until: 1080, timezone: 'Europe/Berlin' },
};

function granted(
  set: { readonly [id: string]: string },
  { tools = TOOLS, rung = 'auto' }: { tools?: readonly Tool[]; rung?: Rung } = {},
): Bundle {
  return {
    ...bundleOf({ set, ...TIMES }, { tools }),
    agents: { ann: { name: 'ann', owner: 'o' }, bob: { name: 'bob', owner: 'o' } },
    grants: tools.flatMap(({ name }) => [
      { agent: 'ann', tool: name, rung },
      { agent: 'bob', tool: name, rung },
    ]),
  };
}

function claimOf(name: string): Claim {
  const found = INVARIANTS.find((invariant) => invariant.name === name);
  assert.ok(found);
  return { ...found, agent: null, tool: null };
}

function can(more: Partial<Claim>): Claim {
  return {
    name: 'reach',
    question: '',
    above: 'approve',
    agent: null,
    tool: null,
    when: null,
    ...more,
  };
}

test('the default pack: every invariant is proven, without a solver', async () => {
  const claims = INVARIANTS.map(({ name }) => claimOf(name));
  const proven = await prove({ ...parts, solver: NONE }, granted(PACK), claims);
  assert.deepEqual(
    proven.map(({ name, answer }) => [name, answer]),
    INVARIANTS.map(({ name }) => [name, 'proven']),
  );
});

/** What makes a hole: policies that are off, and what stands in place of a tool. */
const HOLES: readonly {
  readonly invariant: string;
  readonly off: readonly string[];
  readonly tool: string;
  readonly tools?: readonly Tool[];
}[] = [
  {
    invariant: 'irreversible-autonomous',
    off: [],
    tool: 'stamp',
    // its manifest counts effects that cannot be taken back, and claims an exercised undo all the same
    tools: [toolOf('stamp', { cap: effectVector({ calls: 1, irreversible: 1 }) })],
  },
  { invariant: 'production-destroy', off: ['production-destroy'], tool: 'drop' },
  { invariant: 'egress', off: ['egress', 'private-untrusted-egress'], tool: 'pay' },
  {
    invariant: 'private-untrusted-egress',
    off: ['egress', 'private-untrusted-egress'],
    tool: 'pay',
  },
  { invariant: 'changed-destination', off: ['changed-destination'], tool: 'redirect' },
  { invariant: 'freeze', off: ['freeze'], tool: 'pay' },
  { invariant: 'off-hours', off: ['off-hours'], tool: 'pay' },
];

test('every invariant has a planted hole, and it is found', async () => {
  assert.deepEqual(
    HOLES.map(({ invariant }) => invariant),
    INVARIANTS.map(({ name }) => name),
  );
  for (const { invariant, off, tool, tools } of HOLES) {
    const set = Object.fromEntries(
      Object.entries(PACK).filter(([id]) => !off.includes(id.replace('signalbox.', ''))),
    );
    const bundle = granted(set, tools === undefined ? {} : { tools });
    const [found] = await prove(parts, bundle, [claimOf(invariant)]);
    assert.equal(found?.answer, 'counterexample', `${invariant}: ${JSON.stringify(found)}`);
    const example = found.counterexample;
    assert.equal(example?.tool, tool, JSON.stringify(example));
    assert.ok(['ann', 'bob'].includes(example?.agent ?? ''));
    assert.match(example?.policies.join() ?? '', /^signalbox\./, 'the policies that decide');
  }
});

const PERMIT = { permit: 'permit (principal, action, resource);' };
const PAY = [toolOf('pay', { inputSchema: PAY_INPUT })];

async function one(bundle: Bundle, claim: Claim) {
  const [found] = await prove(parts, bundle, [claim]);
  assert.ok(found);
  return found;
}

test('can X reach Y above Z: grants and the gate answer first', async () => {
  const bundle = granted(PERMIT, { rung: 'approve' });
  const auto = await one(bundle, can({ agent: 'ann', tool: 'note' }));
  assert.deepEqual([auto.answer, auto.settled.grants], ['proven', 1]);
  const approve = await one(bundle, can({ agent: 'ann', tool: 'note', above: 'stage' }));
  assert.equal(approve.counterexample?.mode, 'approve');
  const wipe = await one(granted(PERMIT), can({ agent: 'ann', tool: 'wipe' }));
  assert.equal(wipe.answer, 'proven', 'nothing undoes it: the gate');
});

test('arguments: the solver finds those that pass, or proves that none do', async () => {
  const dear = {
    ...PERMIT,
    dear: 'forbid (principal, action, resource) when { context.args.amount_micros > 100000000 };',
    odd: 'forbid (principal, action, resource) when { !(context.args.to like "DE*") };',
    bob: 'forbid (principal == Agent::"bob", action, resource) when { !(context.args has count) || context.args.count + 1 < 41 };',
  };
  const bundle = granted(dear, { tools: PAY });
  const above = (micros: number) => `context.args.amount_micros > ${micros}`;
  const cheap = await one(bundle, can({ agent: 'ann', when: above(99_000_000) }));
  assert.equal(cheap.answer, 'counterexample', JSON.stringify(cheap));
  const { amount, to } = cheap.counterexample?.arguments ?? {};
  assert.ok(Number(amount) > 99 && Number(amount) <= 100, String(amount));
  assert.match(String(to), /^DE/);
  const none = await one(bundle, can({ when: above(100_000_000) }));
  assert.deepEqual([none.answer, none.settled.grants], ['proven', 0]);
  const bob = await one(bundle, can({ agent: 'bob' }));
  assert.ok(Number(bob.counterexample?.arguments.count) >= 40, JSON.stringify(bob));
});

test('bounds of the schema are bounds of a proof, each of its own argument', async () => {
  const inputSchema = {
    type: 'object',
    required: ['x', 'x_micros', 'to'],
    properties: {
      x: { type: 'number', maximum: 5 },
      x_micros: { type: 'integer' },
      count: { type: 'integer', minimum: 1, maximum: 9 },
      to: { enum: ['a', 'b'], type: 'string' },
    },
  };
  const bundle = granted(PERMIT, { tools: [toolOf('bounded', { inputSchema })] });
  const answer = async (when: string) => (await one(bundle, can({ when }))).answer;
  assert.equal(await answer('context.args.x_micros > 6000000'), 'counterexample');
  assert.equal(await answer('context.args has count && context.args.count > 9'), 'proven');
  assert.equal(await answer('context.args.to != "a" && context.args.to != "b"'), 'proven');
  assert.equal(await answer('context.args.to == "b"'), 'counterexample');
});

test('a sum beyond 64 bits denies, and so it is proven', async () => {
  const set = {
    ...PERMIT,
    sum: 'forbid (principal, action, resource) when { context.args has count && context.args.count * 9007199254740991 < 0 };',
  };
  const bundle = granted(set, { tools: PAY });
  const more = (than: number) => `context.args has count && context.args.count > ${than}`;
  assert.equal((await one(bundle, can({ when: more(1_024) }))).answer, 'proven');
  const least = await one(bundle, can({ when: more(1_023) }));
  assert.equal(least.counterexample?.arguments.count, 1_024);
});

test('an observed agent is held by no policy, and prove says so', async () => {
  const set = { ...PERMIT, never: 'forbid (principal, action, resource);' };
  const bundle = granted(set, { tools: PAY });
  assert.equal((await one(bundle, can({}))).answer, 'proven');
  const from = Date.now() + 86_400_000;
  const observe = { from, until: from + 86_400_000 };
  const observed = {
    ...bundle,
    agents: { ...bundle.agents, bob: { name: 'bob', owner: 'o', observe } },
  };
  const { counterexample } = await one(observed, can({}));
  assert.deepEqual([counterexample?.agent, counterexample?.observed], ['bob', true]);
  assert.ok(Date.parse(counterexample?.at ?? '') >= from, 'once it begins');
});

test('those an agent acts for, and the user on whose behalf, are looked at', async () => {
  const set = {
    helped:
      'permit (principal, action, resource) when { principal == Agent::"bob" && context.run.actors.contains("ann") };',
    behalf: 'permit (principal, action, resource) when { context.run.subject == "carl" };',
  };
  const bundle = granted(set, { tools: PAY });
  const helped = await one(bundle, can({ agent: 'bob' }));
  assert.deepEqual(helped.counterexample?.run.actsFor, ['ann'], JSON.stringify(helped));
  assert.equal((await one(bundle, can({ agent: 'ann' }))).answer, 'proven', 'no such user');
  const users = { carl: { name: 'carl', tools: ['pay'] } };
  const carl = await one({ ...bundle, users }, can({ agent: 'ann' }));
  assert.equal(carl.counterexample?.run.subject, 'carl');
});

test('a read that is bound as a preview needs no grant, and is found', async () => {
  const look = toolOf('look', { effect: 'read' });
  const pay = toolOf('pay', { preview: { tool: 'look', arguments: {} } });
  const bundle = { ...granted(PERMIT, { tools: [pay] }), tools: { look, pay } };
  const found = await one(bundle, can({ agent: 'ann', tool: 'look' }));
  assert.equal(found.answer, 'counterexample', JSON.stringify(found));
});

test('what is beyond it is unknown, never proven', async () => {
  const set = {
    ...PERMIT,
    local:
      'forbid (principal, action, resource) when { context.args has note && ip("10.0.0.1").isInRange(ip("10.0.0.0/8")) };',
  };
  const bundle = granted(set, { tools: PAY });
  const noted = await one(bundle, can({ when: 'context.args has note' }));
  assert.equal(noted.answer, 'unknown');
  assert.match(noted.unknown[0]?.why ?? '', /holds it down.*beyond what is read: .*isInRange/s);
  // what it cannot read may hold
  const lone = (text: string) => one(granted({ lone: text }, { tools: PAY }), can({}));
  const loops = (address: string) =>
    `permit (principal, action, resource) when { ip("${address}").isLoopback() };`;
  assert.equal((await lone(loops('127.0.0.1'))).answer, 'counterexample');
  assert.equal((await lone(loops('10.0.0.1'))).answer, 'unknown');
  const broken = {
    ...parts,
    solver: { ...NONE, solve: async () => ({ kind: 'unknown' as const, why: 'no time' }) },
  };
  const hard = granted(
    { ...PERMIT, no: 'forbid (principal, action, resource) when { context.args.to like "a*" };' },
    { tools: PAY },
  );
  const [left] = await prove(broken, hard, [can({})]);
  assert.deepEqual([left?.answer, left?.unknown], ['unknown', [{ tool: 'pay', why: 'no time' }]]);
});

test('without policies the grants are all there is', async () => {
  const { policies: _, ...bundle } = granted({}, { tools: PAY });
  assert.equal((await one(bundle, can({}))).answer, 'counterexample');
});

test('random policies: what is proven, no action of a small world contradicts', async () => {
  const { wrong, proven, counterexample, unknown, why } = await proveDifferential(solver, {
    seed: 20261130,
    sets: 6,
  });
  assert.deepEqual(wrong, []);
  assert.ok(proven >= 1 && counterexample >= 2, `${proven} proven, ${counterexample} found`);
  assert.ok(unknown <= 3, JSON.stringify(why));
});
