/** Loops at the real broker over a real store, in front of a target that counts what reaches it. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { beginSubRun } from '../../src/broker/runs.ts';
import type { Bundle } from '../../src/domain/bundle.ts';
import { AUTOMATIC } from '../../src/domain/halt.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { DETECTORS, type LoopRules, USUAL_THRESHOLDS } from '../../src/domain/loops.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import type { Store } from '../../src/domain/store.ts';
import { trailOf } from '../../src/limits/loops/steps.ts';
import { BUNDLE, openWorld, type PropertyWorld, toolNamed } from '../properties/world.ts';
import { type AgentsSide, startAgentsSide } from './agents-side.ts';
import { send } from './echo-target.ts';
import { type Answer, legacy } from './wire.ts';

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

function sameStore(store: Store): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
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
    moneyMicros: 0,
    trusted: false,
  }));
  assert.deepEqual(
    trail.steps.map(({ tool, as }) => `${tool} ${as}`),
    [
      ...['look done', 'look done', 'change done', 'look done', 'look done', 'change done'],
      ...['look done', 'look done', 'change held', 'look held'],
    ],
  );
  // a process that never met this run: the same store under another name
  const again = await act(
    { ...world.broker, store: sameStore(world.store) },
    { runId: run, tool: 'look', arguments: { n: 1 }, via: 'test' },
  );
  assert.equal(codeOf(again), 'LOOP_SAME_RESULT');
});

/** The whole gateway over MCP, in front of an HTTP target that counts; loops are on. */
async function gateway(t: TestContext, limits: string): Promise<AgentsSide> {
  const side = await startAgentsSide({
    hold: { modernMs: 20, legacyMs: 20 },
    config: (usual) =>
      usual
        .replace('loops: off\n', '')
        .replace('  run: { calls: 500 }', limits)
        .replace(
          '  delete_backup:',
          `  drop_plan:
    connection: target
    description: Removes the plan of a customer
    effect: destroy
    http: { method: DELETE, path: "/customers/{customer}/plan/{plan}" }
    input: { customer: { type: integer }, plan: { type: string } }
  delete_backup:`,
        )
        .replace('tools: [set_plan, slow_write', 'tools: [set_plan, drop_plan, slow_write'),
  });
  t.after(() => side.close());
  return side;
}

function saidBy({ json }: Answer): string {
  const { signalbox } = json.result?.structuredContent ?? {};
  return String(signalbox?.code ?? signalbox?.status ?? json.error?.code ?? 'done');
}

test('over the gateway forty retries reach the target twice, whatever order, sub-run or process they come from', async (t) => {
  const side = await gateway(t, '  run: { calls: 500 }');
  const { run, token } = await side.run('remove the plan');
  const made = await send(`${side.url}/v1/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ intent: 'try the removal again' }),
  });
  const below = JSON.parse(made.text).token as string;
  const ways = [
    { customer: 7, plan: 'gold' },
    { plan: 'gold', customer: 7 },
  ];
  const said: string[] = [];
  for (let turn = 0; turn < 40; turn++) {
    if (turn === 3) said.push(await restarted(side, run.id, ways[1] ?? {}));
    const call = legacy(side, turn % 3 === 0 ? below : token);
    const params = {
      ...{ name: 'drop_plan', arguments: ways[turn % 2] },
      _meta: { 'acme/request': `${turn}` },
    };
    const first = saidBy(await call('tools/call', params));
    if (first === 'pending') await side.approve(await side.ask());
    said.push(first === 'pending' ? saidBy(await call('tools/call', params)) : first);
  }
  assert.deepEqual(said.slice(0, 3), ['done', 'done', 'LOOP_REPEAT']);
  for (const one of said.slice(3, 6)) assert.match(one, /^LOOP_/);
  assert.equal(said.lastIndexOf('done'), 1);
  assert.equal(said.at(-1), '403', 'in the end the run tree is halted and its tokens are gone');
  const hits = side.target.hits.filter(({ method }) => method === 'DELETE');
  assert.equal(hits.length, 2);
});

/** What the same call is answered by a process that never met this run. */
async function restarted(
  { broker }: AgentsSide,
  runId: string,
  given: JsonObject,
): Promise<string> {
  const again = { runId, tool: 'drop_plan', arguments: given, via: 'test' };
  return codeOf(await act({ ...broker, store: sameStore(broker.store) }, again));
}

test('what a tool does not name cannot be added to tell one repeat from the next', async (t) => {
  const side = await gateway(t, '  run: { calls: 500 }');
  const { token } = await side.run('remove the plan');
  const extra = { customer: 7, plan: 'gold', request_id: 'r-1' };
  const { json } = await legacy(side, token)('tools/call', { name: 'drop_plan', arguments: extra });
  assert.equal(json.result.structuredContent.signalbox.code, 'INPUT_INVALID');
});

test('model calls that a run tells of are drawn on its money, recorded, and say what is left; so do refusals', async (t) => {
  const side = await gateway(
    t,
    '  run: { calls: 500, moneyMicros: 5000 }\n  agentDay: { moneyMicros: 9000 }',
  );
  const { run, token } = await side.run('look around');
  const tell = async (body: object, to = run.id) => {
    const { status, text } = await send(`${side.url}/v1/runs/${to}/usage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { spend: _, ...told } = JSON.parse(text);
    return [status, told];
  };
  const usage = { model: 'm-1', tokensIn: 900, tokensOut: 100, moneyMicros: 4_000 };
  assert.deepEqual(await tell(usage), [201, { over: false, left: 1_000 }]);
  assert.deepEqual(await tell({ tokensIn: 5 }), [201, { over: false, left: 1_000 }]);
  assert.deepEqual(await tell(usage), [201, { over: true, left: 0 }]);
  const rows = await side.broker.store.usage([`run:${run.id}`]);
  const money = rows.find(({ dimension }) => dimension === 'moneyMicros');
  assert.deepEqual([money?.posted, money?.pending], [5_000, 0], 'no limit is exceeded');
  const { moneyMicros, tokens } = await side.broker.store.cost(run.id);
  assert.deepEqual([moneyMicros, tokens], [8_000, 2_005], 'the record knows all of it');
  for (const bad of [
    {},
    { tokensIn: -1 },
    { tokensIn: 1.5 },
    { moneyMicros: '4' },
    { tokensIn: 1, more: 1 },
  ])
    assert.equal((await tell(bad))[0], 400, JSON.stringify(bad));
  const [status] = await tell(usage, (await side.run('another')).run.id);
  assert.equal(status, 404, 'of itself only');
});

test('arguments that are none at all are recorded and counted like those that do not fit', async (t) => {
  const side = await gateway(t, '  run: { calls: 500 }');
  const { run, token } = await side.run('send nonsense');
  const said: string[] = [];
  for (const given of ['{"text":', '', [], 'x', ['{}'], 7, '{', '}', 'null', '[]'])
    said.push(saidBy(await legacy(side, token)('tools/call', { name: 'echo', arguments: given })));
  assert.deepEqual(
    said.slice(0, 9),
    Array.from({ length: 9 }, () => '-32602'),
  );
  assert.equal(said[9], 'INPUT_INVALID', 'by now a model can read what it is');
  assert.equal(side.target.hits.length, 0);
  const denied = (await side.broker.store.timeline(run.id)).filter(
    ({ type }) => type === 'action.denied',
  );
  assert.equal(denied.length, 10);
  assert.match(JSON.stringify(denied[2]?.payload), /LOOP_INVALID, observe/);
});
