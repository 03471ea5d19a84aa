import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { halt } from '../../src/broker/halt.ts';
import { beginRun } from '../../src/broker/runs.ts';
import { takeOver } from '../../src/broker/take-over.ts';
import type { StopSignal } from '../../src/domain/stop.ts';
import type { Store } from '../../src/domain/store.ts';
import { realDoors } from '../../src/doors.ts';
import { Ground, type Replicas } from '../contract/replicas.ts';
import { SilentProxy } from '../drill/silent-proxy.ts';
import { Issuer, Target } from '../properties/target.ts';
import {
  applyBundle,
  approve,
  BEAT_MS,
  BOUND_MS,
  brokerOver,
  callOf,
  type Fellow,
  hold,
} from './pair.ts';

const KILL = { scope: 'agent:ann', reason: 'test', by: 'olga' };
/** What a busy machine may add to anything. */
const SLACK_MS = 3_000;
const doors = realDoors();
let ground: Ground;
before(async () => {
  ground = await Ground.start();
});
after(() => ground.server.stop());

interface Cast {
  readonly replicas: Replicas;
  readonly target: Target;
  readonly issuer: Issuer;
  readonly a: Broker;
  readonly b: Broker;
  readonly callOfB: Fellow['call'];
  readonly ann: string;
}

/** Two brokers on one database; `b` may be deaf to notices, or behind a network that can fall silent. */
async function open(
  t: TestContext,
  { isDeaf = false, proxy }: { isDeaf?: boolean; proxy?: SilentProxy } = {},
): Promise<Cast> {
  const replicas = await ground.fresh();
  const parts = { target: new Target(), issuer: new Issuer() };
  const { client } = replicas.address;
  const port = proxy?.port ?? client.port;
  const storeOfA = await replicas.open();
  const storeOfB = await replicas.open({ ...replicas.address, client: { ...client, port } });
  const a = await brokerOver(storeOfA, doors, parts);
  const b = await brokerOver(isDeaf ? deaf(storeOfB) : storeOfB, doors, parts);
  t.after(async () => {
    for (const { pulse } of [a, b]) pulse.close();
    proxy?.speak();
    await replicas.close();
  });
  if (!isDeaf) await Promise.all([storeOfA.listening(), storeOfB.listening()]);
  await applyBundle(a.broker);
  const { id: ann } = await beginRun(a.broker, { agent: 'ann', intent: 'a test', budget: {} });
  const parked = await callOf(a.broker)(ann, 1);
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  await approve(a.broker, parked.approvalId);
  return { replicas, ...parts, a: a.broker, b: b.broker, callOfB: callOf(b.broker), ann };
}

function deaf(store: Store): Store {
  return new Proxy(store, {
    get(of, key) {
      if (key === 'watch') return () => () => {};
      const value: unknown = Reflect.get(of, key, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

function aborted(signal: StopSignal): Promise<number> {
  return new Promise((resolve) => {
    const since = doors.clock.monotonic();
    signal.addEventListener('abort', () => resolve(doors.clock.monotonic() - since));
  });
}

for (const isDeaf of [false, true])
  test(`PostgreSQL: a halt on one replica stops what flies on another, ${isDeaf ? 'by asking alone' : 'told of it'}`, async (t) => {
    const { target, issuer, a, b, callOfB, ann } = await open(t, { isDeaf });
    const held = hold(target, 'finish');
    const flying = callOfB(ann, 1);
    const { signal } = await held.full;
    const stopping = aborted(signal);
    const halting = halt(a, KILL);
    const ms = await stopping;
    t.diagnostic(`aborted after ${Math.round(ms)} ms`);
    assert.ok(ms < BEAT_MS + SLACK_MS);
    held.open();
    const report = await halting;
    const outcome = await flying;
    assert.ok(!(outcome instanceof Error) && outcome.kind === 'refused', JSON.stringify(outcome));
    assert.deepEqual(
      report.replicas.map(({ replica, landedMs }) => [replica, landedMs !== null]),
      [[b.store.replica, true]],
    );
    assert.notEqual(report.inertMs, null);
    assert.equal(target.effects.length, 0);
    assert.equal(issuer.valid.size, 0);
  });

test('PostgreSQL: a replica whose network fell silent stops by the bound, and comes back', async (t) => {
  const { host, port } = ground.server;
  const proxy = await SilentProxy.open(host, port);
  t.after(() => proxy.close());
  const { target, a, b, callOfB, ann } = await open(t, { proxy });
  const held = hold(target, 'finish');
  const flying = callOfB(ann, 1);
  const { signal } = await held.full;
  const stopping = aborted(signal);
  proxy.fallSilent();
  const halting = halt(a, KILL);
  const ms = await stopping;
  t.diagnostic(`aborted after ${Math.round(ms)} ms`);
  assert.ok(ms < BOUND_MS + SLACK_MS);
  assert.equal(b.freshness.isFresh, false);
  const { replicas, inertMs } = await halting;
  assert.ok((replicas[0]?.silentMs ?? 0) > BOUND_MS, JSON.stringify(replicas));
  assert.notEqual(inertMs, null);
  held.open();
  proxy.speak();
  await flying;
  assert.equal(target.effects.length, 0);
  while (!b.freshness.isFresh) await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
});

test('PostgreSQL: recovery leaves what a living replica flies and holds alone', async (t) => {
  const { replicas, target, issuer, a, callOfB, ann } = await open(t);
  const held = hold(target, 'finish');
  const flying = callOfB(ann, 1);
  await held.full;
  await takeOver(a);
  const another = await brokerOver(await replicas.open(), doors, { target, issuer });
  t.after(() => another.pulse.close());
  await takeOver(another.broker);
  assert.equal((await a.store.openActions()).length, 1);
  assert.equal(issuer.valid.size, 2);
  held.open();
  const outcome = await flying;
  assert.ok(!(outcome instanceof Error) && outcome.kind === 'done', JSON.stringify(outcome));
});
