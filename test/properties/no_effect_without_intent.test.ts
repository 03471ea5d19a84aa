import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { act } from '../../src/broker/act.ts';
import { type Call, type Connector, NO_SINK, type Sink } from '../../src/domain/connector.ts';
import { digestOf } from '../../src/domain/digest.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import type { Store } from '../../src/domain/store.ts';
import { openWorld, type PropertyWorld } from './world.ts';

const TOOLS = ['look', 'change', 'wipe'] as const;

test('no_effect_without_intent: the target finds a durable intent of the same digest before every effect', async (t) => {
  const world = await openWorld(t);
  const run = await world.run('ann');
  world.target.witness = async (call) => {
    if (call.tool.effect !== 'read')
      assert.ok(await hasIntent(world.store, call), 'an effect without intent');
  };
  const steps = fc.array(fc.tuple(fc.constantFrom(...TOOLS), fc.integer({ min: 0, max: 2 })), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (proposals) => {
      for (const [tool, id] of proposals) {
        const outcome = await act(world.broker, {
          runId: run,
          tool,
          arguments: { id },
          via: 'test',
        });
        if (outcome.kind === 'parked') await world.approve(outcome.approvalId);
        assert.notEqual(outcome.kind, 'unknown');
        if (outcome.kind === 'done')
          assert.ok(
            await isRecorded(world.store, run, outcome.actionId),
            'a result without its record',
          );
      }
    }),
    { numRuns: 25 },
  );
  assert.ok(
    world.target.effects.some(({ tool }) => tool !== 'look'),
    'effects were made at all',
  );
});

test('no_effect_without_intent: when the store refuses, fails or dies nothing happens and nothing is told', async (t) => {
  const world = await openWorld(t);
  const run = await world.run('ann');
  const parked = await act(world.broker, {
    runId: run,
    tool: 'change',
    arguments: { id: 9 },
    via: 'test',
  });
  assert.equal(parked.kind, 'parked');
  if (parked.kind === 'parked') await world.approve(parked.approvalId);
  for (const failing of ['action.admit', 'action.mark'] as const) {
    const broker = { ...world.broker, store: failingAt(world.store, failing) };
    const before = world.target.effects.filter(({ tool }) => tool !== 'look').length;
    for (const [tool, id] of [
      ['change', 9],
      ['look', 1],
    ] as const) {
      if (failing === 'action.mark' && tool === 'look') continue;
      const told = await act(broker, { runId: run, tool, arguments: { id }, via: 'test' }).catch(
        (error: Error) => error,
      );
      assert.ok(
        told instanceof Error || told.kind !== 'done',
        `${tool} told a result without a record`,
      );
    }
    assert.equal(
      world.target.effects.filter(({ tool }) => tool !== 'look').length,
      before,
      failing,
    );
  }
});

async function hasIntent(store: Store, call: Call): Promise<boolean> {
  for (const event of await store.timeline(call.runId)) {
    const body = JSON.parse(event.body) as { action?: string; toolDigest?: string };
    const payload = event.payload as { argumentsDigest?: string } | null | undefined;
    if (event.type === 'action.intent' && body.action === call.actionId)
      return (
        body.toolDigest === call.tool.digest &&
        payload?.argumentsDigest === digestOf('arguments', call.arguments)
      );
  }
  return false;
}

async function typesOf(
  store: PropertyWorld['store'],
  run: string,
  actionId: string,
): Promise<string[]> {
  return (await store.timeline(run))
    .filter(({ body }) => JSON.parse(body).action === actionId)
    .map(({ type }) => type);
}

async function isRecorded(
  store: PropertyWorld['store'],
  run: string,
  actionId: Outcome['actionId'],
): Promise<boolean> {
  const types = await typesOf(store, run, actionId);
  const isWhole = types.includes('action.intent') && types.includes('action.outcome');
  return isWhole || types.includes('action.read');
}

function failingAt(store: Store, kind: string): Store {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key === 'commit')
        return (op: { kind: string }) =>
          op.kind === kind
            ? Promise.reject(new Error('the disk is gone'))
            : target.commit(op as never);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('no_effect_without_intent: what a target says on the way waits for the intent of its read', async (t) => {
  const world = await openWorld(t);
  const run = await world.run('ann');
  let talks = true;
  const talking: Connector = {
    kind: 'target',
    probe: async () => 'unknown',
    release: async () => {},
    close: async () => {},
    async begin(call, sink) {
      const flight = await world.target.begin(call, sink);
      const finish = async () => {
        if (talks)
          await sink.tell({ method: 'notifications/progress', params: { of: call.actionId } });
        return flight.finish();
      };
      return { ...flight, measured: null, finish };
    },
  };
  const broker = { ...world.broker, connectors: new Map([['target', talking]]) };
  const heard: string[] = [];
  const sink: Sink = {
    ...NO_SINK,
    async tell({ params }) {
      const actionId = String(params.of);
      const types = await typesOf(world.store, run, actionId);
      assert.deepEqual(types, ['action.intent'], 'told before its intent');
      heard.push(actionId);
    },
  };
  const look = { runId: run, tool: 'look', arguments: { id: 1 }, via: 'test' };
  const told = await act(broker, look, sink);
  assert.equal(told.kind, 'done');
  assert.deepEqual(heard, [told.actionId]);
  talks = false;
  const silent = await act(broker, look, sink);
  const types = (await world.store.timeline(run)).map(({ type }) => type);
  assert.equal(silent.kind, 'done');
  assert.deepEqual(types.slice(-3), ['action.intent', 'action.outcome', 'action.read']);
});
