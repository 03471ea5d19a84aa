/** Loops at the real broker over a real store, in front of a target that counts what reaches it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { beginSubRun } from '../../src/broker/runs.ts';
import type { Bundle } from '../../src/domain/bundle.ts';
import { AUTOMATIC } from '../../src/domain/halt.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { DETECTORS, type LoopRules, USUAL_THRESHOLDS } from '../../src/domain/loops.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { trailOf } from '../../src/limits/loops/steps.ts';
import { BUNDLE, openWorld, type PropertyWorld, toolNamed } from '../properties/world.ts';

const LOOPS: LoopRules = Object.fromEntries(
  DETECTORS.map((detector) => [detector, { as: 'on', at: USUAL_THRESHOLDS[detector] }]),
);

async function worldWith(
  t: Parameters<typeof openWorld>[0],
  more: (bundle: Bundle) => Partial<Bundle> = () => ({}),
): Promise<PropertyWorld> {
  const world = await openWorld(t);
  await world.apply((bundle) => ({ loops: LOOPS, ...more(bundle) }));
  return world;
}

function proposing({ broker }: PropertyWorld) {
  return (runId: string, tool: string, args: JsonObject = {}): Promise<Outcome> =>
    act(broker, { runId, tool, arguments: args, via: 'test' });
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

/** Proposes, has a human approve what is parked, and proposes again. */
async function insisted(world: PropertyWorld, runId: string, tool: string): Promise<string> {
  const propose = proposing(world);
  const first = await propose(runId, tool, { id: 7 });
  if (first.kind !== 'parked') return codeOf(first);
  await world.approve(first.approvalId);
  return codeOf(await propose(runId, tool, { id: 7 }));
}

test('forty retries of a destructive call stop at the third, whoever in the tree makes them', async (t) => {
  const world = await worldWith(t);
  const root = await world.run('ann');
  const below = await beginSubRun(world.broker, {
    parent: root,
    agent: null,
    intent: 'retry',
    budget: {},
  });
  const said: string[] = [];
  for (let turn = 0; turn < 40; turn++)
    said.push(await insisted(world, turn % 2 === 0 ? root : below.id, 'wipe'));
  assert.deepEqual(said.slice(0, 3), ['done', 'done', 'LOOP_REPEAT']);
  assert.equal(said.includes('done', 2), false);
  assert.equal(world.target.effects.length, 2);
});

test('the second needs a human even where the first did not, failed ones count, and a new run starts anew', async (t) => {
  const world = await worldWith(t, ({ tools }) => {
    const wipe = toolNamed('wipe', 'destroy', { reversibility: 'exercised', idempotent: true });
    return {
      tools: { ...tools, wipe },
      grants: BUNDLE.grants.map((grant) => ({ ...grant, rung: 'auto' as const })),
    };
  });
  const propose = proposing(world);
  const run = await world.run('ann');
  world.target.gate = async (stage) => {
    if (stage === 'begin') throw new Error('the target is away');
  };
  assert.equal(codeOf(await propose(run, 'wipe', { id: 7 })), 'failed');
  world.target.gate = async () => {};
  assert.equal((await propose(run, 'wipe', { id: 7 })).kind, 'parked');
  assert.equal((await propose(run, 'wipe', { id: 8 })).kind, 'done', 'other arguments');
  assert.equal((await propose(await world.run('ann'), 'wipe', { id: 7 })).kind, 'done');
});

test('a tool that is polled as it declares is left alone; the same without is refused, asked about, then halted', async (t) => {
  const world = await worldWith(t, ({ tools }) => ({
    tools: { ...tools, status: toolNamed('status', 'read', { pollingMs: 5_000 }) },
    grants: [...BUNDLE.grants, { agent: 'ann', tool: 'status', rung: 'read' }],
  }));
  const propose = proposing(world);
  const run = await world.run('ann');
  for (let turn = 0; turn < 40; turn++) {
    world.clock.ahead += 5_000;
    assert.equal((await propose(run, 'status')).kind, 'done');
  }
  const said: string[] = [];
  for (let turn = 0; turn < 10; turn++) {
    const outcome = await propose(run, 'look');
    said.push(codeOf(outcome));
    if (outcome.kind !== 'parked') continue;
    await world.approve(outcome.approvalId);
    said.push(codeOf(await propose(run, 'look')));
  }
  assert.deepEqual(said.slice(0, 6), [
    ...['done', 'done', 'done', 'LOOP_SAME_RESULT', 'LOOP_SAME_RESULT', 'parked'],
  ]);
  let halts = (await world.store.haltState()).halts;
  for (let tries = 0; tries < 100 && halts.length === 0; tries++)
    halts = (await world.store.haltState()).halts;
  assert.deepEqual(
    halts.map(({ scope, by }) => [scope, by]),
    [[`run:${run}`, AUTOMATIC]],
  );
  assert.equal(codeOf(await propose(run, 'status')), 'HALTED');
});

test('every firing is a verdict of the chain, also one that is only observed', async (t) => {
  const observed = { sameResult: { as: 'observe' as const, at: { steer: 2 } } };
  const world = await worldWith(t, () => ({ loops: observed }));
  const run = await world.run('ann');
  for (let turn = 0; turn < 3; turn++)
    assert.equal((await proposing(world)(run, 'look')).kind, 'done');
  const last = (await world.store.timeline(run)).at(-1);
  const { verdicts } = JSON.parse(last?.body ?? '{}');
  assert.deepEqual(verdicts, [{ ceiling: 'auto', check: 'loops', code: 'LOOP_SAME_RESULT' }]);
  assert.match(JSON.stringify(last?.payload?.reasons), /2 times .*observe/);
});

test('a restart forgets nothing: the ledger tells the same trail, and the same fires again', async (t) => {
  const world = await worldWith(t);
  const run = await world.run('ann');
  const below = await beginSubRun(world.broker, {
    parent: run,
    agent: null,
    intent: 'help',
    budget: {},
  });
  const propose = proposing(world);
  for (let turn = 0; turn < 3; turn++) {
    await propose(run, 'look', { n: 1 });
    await propose(below.id, 'look', { n: 10 + turn });
    await insisted(world, run, 'change');
  }
  const said = codeOf(await propose(run, 'look', { n: 1 }));
  assert.equal(said, 'LOOP_SAME_RESULT');
  const events = await world.store.trail(run, 128);
  const { tools } = await world.broker.bundles.active();
  const trail = trailOf(events, (name) => ({
    effect: tools[name]?.effect === 'read' ? 'read' : 'change',
    pollingMs: undefined,
  }));
  assert.deepEqual(
    trail.steps.map(({ tool, as }) => `${tool} ${as}`),
    [
      ...['look done', 'look done', 'change done', 'look done', 'look done', 'change done'],
      ...['look done', 'look done', 'change held', 'look held'],
    ],
  );
  // a process that never met this run: the same store under another name
  const { store } = world;
  const stranger = new Proxy(store, {
    get: (target, key) => {
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const again = await act(
    { ...world.broker, store: stranger },
    { runId: run, tool: 'look', arguments: { n: 1 }, via: 'test' },
  );
  assert.equal(codeOf(again), 'LOOP_SAME_RESULT');
});
