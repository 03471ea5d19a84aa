import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { beginRun } from '../../src/broker/runs.ts';
import { SignalboxError } from '../../src/domain/errors.ts';
import type { Op } from '../../src/domain/ops.ts';
import type { Store } from '../../src/domain/store.ts';
import { realDoors } from '../../src/doors.ts';
import type { PostgresStore } from '../../src/store/postgres/store.ts';
import { Ground } from '../contract/replicas.ts';
import { used } from '../contract/store-scene.ts';
import { Issuer, Target } from '../properties/target.ts';
import { applyBundle, approve, brokerOver, callOf, type Fellow, hold } from './pair.ts';

/** The sweep of every minute, which these tests do not have, must not be what settles it. */
const SOON_MS = 20_000;
let ground: Ground;
before(async () => {
  ground = await Ground.start({ durable: true });
});
after(() => ground.server.stop());

interface Cast {
  readonly store: PostgresStore;
  readonly target: Target;
  readonly call: Fellow['call'];
  readonly ann: string;
  /** Actions that the target was asked about. */
  readonly probed: string[];
}

/** `said`: what the broker is told of a commit that was made. */
async function open(
  t: TestContext,
  said: (op: Op, taken: unknown) => unknown = (_, taken) => taken,
): Promise<Cast> {
  const replicas = await ground.fresh();
  const [target, issuer] = [new Target(), new Issuer()];
  const probed: string[] = [];
  target.probe = async ({ actionId }) => {
    probed.push(actionId);
    return target.effects.some((effect) => effect.actionId === actionId) ? 'done' : 'failed';
  };
  const store = await replicas.open();
  const heard = new Proxy<Store>(store, {
    get(of, key) {
      if (key === 'commit') return async (op: Op) => said(op, await of.commit(op));
      const value: unknown = Reflect.get(of, key, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
  const { broker, pulse } = await brokerOver(heard, realDoors(), { target, issuer });
  t.after(async () => {
    pulse.close();
    await replicas.close();
  });
  await applyBundle(broker);
  const { id: ann } = await beginRun(broker, {
    agent: 'ann',
    intent: 'a test',
    budget: { calls: 5 },
  });
  const call = callOf(broker);
  const parked = await call(ann, 1);
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  await approve(broker, parked.approvalId);
  return { store, target, call, ann, probed };
}

async function settled(store: PostgresStore): Promise<void> {
  const until = performance.now() + SOON_MS;
  while ((await store.openActions()).length > 0) {
    assert.ok(performance.now() < until, 'an intent is still open');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const OUTAGES: readonly [string, (store: PostgresStore) => Promise<void>, () => Promise<void>][] = [
  ['killed and started again', () => ground.server.kill9(), () => ground.server.restart()],
  [
    'gone for a moment, shorter than anybody notices',
    async () => {
      await ground.server.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      );
    },
    async () => {},
  ],
];

for (const [how, leave, comeBack] of OUTAGES)
  test(`an outcome that a store could not take is taken once it is back: ${how}`, async (t) => {
    const { store, target, call, ann, probed } = await open(t);
    const held = hold(target, 'finish');
    const flying = call(ann, 1);
    await held.full;
    assert.deepEqual(await used(store, `run:${ann}`), { posted: 0, pending: 1 });
    await leave(store);
    held.open();
    const told = await flying;
    assert.ok(!(told instanceof Error) && told.kind === 'unknown', JSON.stringify(told));
    assert.equal(target.effects.length, 1);
    await comeBack();
    await store.back();
    await settled(store);
    const last = (await store.timeline(ann)).at(-1);
    assert.equal(last?.type, 'action.outcome');
    assert.equal(JSON.parse(last.body).outcome, 'done');
    // what came back is there, not only that something did
    assert.match(JSON.stringify(last.payload), /"structured":\{"ok":true\}/);
    assert.deepEqual(probed, [], 'the target was asked for what was known');
    assert.deepEqual(await used(store, `run:${ann}`), { posted: 1, pending: 0 });
  });

test('an intent that the store took without saying so holds nothing back once it is back', async (t) => {
  const { store, target, call, ann } = await open(t, (op, taken) => {
    if (op.kind === 'action.admit' && op.action.purpose === 'execute')
      throw new SignalboxError('STORE_DOWN', 'lost');
    return taken;
  });
  const told = await call(ann, 1);
  assert.ok(told instanceof SignalboxError && told.code === 'STORE_DOWN');
  await settled(store);
  assert.equal(target.begun.length, 1, 'only the preview was begun');
  assert.deepEqual(await used(store, `run:${ann}`), { posted: 0, pending: 0 });
});
