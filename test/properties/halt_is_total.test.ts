import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { act } from '../../src/broker/act.ts';
import { halt, resume } from '../../src/broker/halt.ts';
import { beginSubRun } from '../../src/broker/runs.ts';
import type { StopSignal } from '../../src/domain/stop.ts';
import { createCallers } from '../../src/identity/callers.ts';
import { openWorld, type PropertyWorld } from './world.ts';

const SCOPES = [
  'agent',
  'run',
  'tool:change',
  'connection:target',
  'credential',
  'model:m-1',
  'all',
] as const;
/** Halts that stop whole runs: another agent goes on, and nothing of the halted one works at its source. */
const WHOLE = ['agent', 'run', 'model:m-1', 'credential'];

for (const kind of SCOPES)
  test(`halt_is_total: after a halt no intent and no effect in its scope (${kind}), flying or approved; others go on`, async (t) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('begin', 'finish'),
        fc.integer({ min: 0, max: 3 }),
        (stage, turns) => nothingAfter(t, kind, stage, turns),
      ),
      { numRuns: 3 },
    );
  });

async function nothingAfter(
  t: TestContext,
  kind: (typeof SCOPES)[number],
  stage: 'begin' | 'finish',
  turns: number,
): Promise<void> {
  const world = await openWorld(t);
  await world.apply(({ agents }) => ({
    agents: { ...agents, ann: { name: 'ann', owner: 'dana@acme.example', model: 'm-1' } },
  }));
  const [ann, bob] = [await world.run('ann'), await world.run('bob')];
  for (const id of [1, 2, 3]) await approved(world, ann, id);
  const released = hold(world, stage, ann);
  const flying = [1, 2].map((id) => change(world, ann, id));
  await released.full;
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  const scope = await scopeOf(world, kind, ann);
  const halting = halt(world.broker, { scope, reason: 'test', by: 'olga' });
  const report = await halting;
  assert.ok(report.inertMs !== null, 'everything landed, so the halt is inert');
  const effects = () => world.target.effects.filter(({ runId }) => runId === ann).length;
  const [atHalt, intents] = [effects(), await intentsOf(world, ann)];
  released.open(); // whatever the abort did not bring down goes on now
  await Promise.allSettled(flying);
  const late = await change(world, ann, 3);
  assert.ok(!(late instanceof Error) && late.kind === 'refused', `after the halt: ${late}`);
  assert.equal(late.refusal.code, 'HALTED');
  assert.equal(effects(), atHalt, 'an effect after the halt');
  assert.equal(await intentsOf(world, ann), intents, 'an intent after the halt');
  if (WHOLE.includes(kind)) {
    const other = await act(world.broker, {
      runId: bob,
      tool: 'look',
      arguments: {},
      via: 'test',
    });
    assert.equal(other.kind, 'done', 'another agent was stopped too');
    assert.deepEqual(
      [...world.issuer.valid.keys()].length,
      1,
      'a credential of the halted run still works at its source',
    );
  }
}

test('halt_is_total: lifting a halt does not bring back what was approved before it', async (t) => {
  const world = await openWorld(t);
  const ann = await world.run('ann');
  await approved(world, ann, 1);
  await halt(world.broker, { scope: 'agent:ann', reason: 'test', by: 'olga' });
  await resume(world.broker, { scope: 'agent:ann', reason: 'test', by: 'olga' });
  const again = await change(world, ann, 1);
  assert.ok(!(again instanceof Error));
  assert.equal(again.kind, 'parked');
  assert.equal(world.target.effects.length, 0);
});

/** A credential is halted by its handle, as an operator sees it at the target. */
async function scopeOf(
  world: PropertyWorld,
  kind: (typeof SCOPES)[number],
  run: string,
): Promise<string> {
  if (kind === 'agent') return 'agent:ann';
  if (kind === 'run') return `run:${run}`;
  if (kind !== 'credential') return kind;
  const [lease] = await world.store.leases({ runId: run, state: ['live'] });
  return `credential:${lease?.handle}`;
}

test('halt_is_total: lifting brings back no token and no credential; the run that lost one gets another', async (t) => {
  const world = await openWorld(t);
  const { store, doors } = world.broker;
  const callers = createCallers({ store, doors });
  const ann = await world.run('ann');
  const run = await store.run(ann);
  assert.ok(run !== null);
  const { token } = await callers.issue(run);
  const bearer = `Bearer ${token}`;
  const caller = await callers.authenticate(bearer);
  assert.equal(caller.kind, 'run');
  const look = () => act(world.broker, { runId: ann, tool: 'look', arguments: {}, via: 'test' });
  await look();
  const [lease] = await store.leases({ runId: ann, state: ['live'] });
  const scope = `credential:${lease?.id}`;
  await halt(world.broker, { scope, reason: 'test', by: 'olga' });
  const held = await look();
  assert.ok(held.kind === 'refused' && held.refusal.code === 'HALTED', JSON.stringify(held));
  assert.equal(world.issuer.valid.size, 0);
  await resume(world.broker, { scope, reason: 'test', by: 'dana' });
  assert.equal((await look()).kind, 'done');
  const [fresh] = await store.leases({ runId: ann, state: ['live'] });
  assert.notEqual(fresh?.id, lease?.id);
  await halt(world.broker, { scope: 'agent:ann', reason: 'test', by: 'olga' });
  await resume(world.broker, { scope: 'agent:ann', reason: 'test', by: 'dana' });
  await assert.rejects(callers.authenticate(bearer), { code: 'TOKEN_INVALID' });
  const old = { runId: ann, tokenHash: caller.tokenHash };
  await assert.rejects(callers.renew(old), { code: 'TOKEN_INVALID' });
});

test('halt_is_total: a halt of a run or agent anywhere above stops what is three deep, and nothing beside it', async (t) => {
  const world = await openWorld(t);
  const { broker } = world;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('ann', 'bob'), { minLength: 4, maxLength: 4 }),
      fc.nat(3),
      fc.boolean(),
      async (agents, place, byAgent) => {
        const line = [await world.run(agents[0] ?? 'ann')];
        for (const agent of agents.slice(1)) {
          const parent = line.at(-1) ?? '';
          const request = { parent, agent, intent: 'a test', budget: {} };
          line.push((await beginSubRun(broker, request)).id);
        }
        const beside = await beginSubRun(broker, {
          ...{ parent: line[0] ?? '', agent: null, intent: 'a test', budget: {} },
        });
        const scope = byAgent ? `agent:${agents[place]}` : `run:${line[place]}`;
        await halt(broker, { scope, reason: 'test', by: 'olga' });
        for (const [index, runId] of [...line, beside.id].entries()) {
          const path = index < 4 ? line.slice(0, index + 1) : [line[0], beside.id];
          const actors = index < 4 ? agents.slice(0, index + 1) : agents.slice(0, 1);
          const isUnder = byAgent
            ? actors.some((name) => name === agents[place])
            : path.includes(line[place]);
          const look = await act(broker, { runId, tool: 'look', arguments: {}, via: 'test' });
          assert.equal(look.kind, isUnder ? 'refused' : 'done', `${scope}, ${index} deep`);
          const under = beginSubRun(broker, {
            ...{ parent: runId, agent: null, intent: 'a test', budget: {} },
          });
          if (isUnder) await assert.rejects(under, { code: 'HALTED' });
          else await under;
        }
        await resume(broker, { scope, reason: 'test', by: 'olga' });
      },
    ),
    { numRuns: 12 },
  );
});

test('halt_is_total: a halt above a sub-run brings down what it flies and ends its credential; a run beside goes on', async (t) => {
  const world = await openWorld(t);
  const { broker, issuer, store } = world;
  for (const above of ['run', 'agent']) {
    const [ann, bob] = [await world.run('ann'), await world.run('bob')];
    const under = { agent: 'bob', intent: 'a test', budget: {} };
    const child = await beginSubRun(broker, { ...under, parent: ann });
    const { id } = await beginSubRun(broker, { ...under, parent: child.id });
    await approved(world, id, 1);
    await act(broker, { runId: bob, tool: 'look', arguments: {}, via: 'test' });
    const held = hold(world, 'begin', id, 1);
    const flying = change(world, id, 1);
    await held.full;
    const effects = world.target.effects.length;
    const scope = above === 'run' ? `run:${ann}` : 'agent:ann';
    const report = await halt(broker, { scope, reason: 'test', by: 'olga' });
    held.open();
    assert.equal(report.aborted, 1, `${scope}: it flies on`);
    assert.notEqual(report.inertMs, null);
    const outcome = await flying;
    assert.ok(!(outcome instanceof Error) && outcome.kind === 'refused', `${scope}: ${outcome}`);
    assert.equal(world.target.effects.length, effects, 'an effect after the halt');
    const alive = await store.leases({ state: ['minting', 'live', 'revoking'] });
    assert.ok(!alive.some(({ runId }) => runId === id), 'its credential outlived the halt');
    assert.deepEqual([...issuer.valid.keys()].sort(), alive.map(({ handle }) => handle).sort());
    const beside = await act(broker, { runId: bob, tool: 'look', arguments: {}, via: 'test' });
    assert.equal(beside.kind, 'done', 'a run of another tree was stopped too');
    await resume(broker, { scope, reason: 'test', by: 'olga' });
  }
});

async function approved(world: PropertyWorld, runId: string, id: number): Promise<void> {
  const parked = await change(world, runId, id);
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  await world.approve(parked.approvalId);
}

function change(world: PropertyWorld, runId: string, id: number) {
  return act(world.broker, { runId, tool: 'change', arguments: { id }, via: 'test' }).catch(
    (error: Error) => error,
  );
}

async function intentsOf(world: PropertyWorld, runId: string): Promise<number> {
  return (await world.store.timeline(runId, 0, 10_000)).filter(
    ({ type }) => type === 'action.intent',
  ).length;
}

/** Holds the run's executing calls at `stage` until their abort; `full` when so many are there, `open` lets all go on. */
function hold(world: PropertyWorld, stage: 'begin' | 'finish', runId: string, many = 2) {
  const full = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let held = 0;
  world.target.gate = async (at, call) => {
    if (at !== stage || call.runId !== runId || call.purpose === 'preview') return;
    if (++held === many) full.resolve();
    await Promise.race([gate.promise, aborted(call.signal)]);
  };
  return { full: full.promise, open: () => gate.resolve() };
}

function aborted(signal: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
