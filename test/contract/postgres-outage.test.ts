import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { verifyPostgres } from '../../src/store/postgres/evidence.ts';
import type { PostgresStore } from '../../src/store/postgres/store.ts';
import { Wire } from './postgres-wire.ts';
import { Ground, type Replicas } from './replicas.ts';
import { action, admit, beginRun, calls, MASTER_KEY, raise, settle } from './store-cast.ts';
import { types, used } from './store-scene.ts';

const DOWN = { code: 'STORE_DOWN' };

describe('a server that fails', () => {
  let ground: Ground;
  before(async () => {
    ground = await Ground.start({ durable: true });
  });
  after(() => ground.server.stop());

  async function holds({ address }: Replicas): Promise<void> {
    const { problems } = await verifyPostgres({ address, masterKey: MASTER_KEY });
    assert.deepEqual(problems, []);
  }

  async function wired(t: TestContext, replicas: Replicas): Promise<[PostgresStore, Wire]> {
    const wire = await Wire.open(ground.server.port);
    t.after(() => wire.close());
    const { client } = replicas.address;
    const address: PostgresAddress = {
      ...replicas.address,
      client: { ...client, port: wire.port },
    };
    return [await replicas.open(address), wire];
  }

  test('killed and started again under load: nothing acknowledged is lost, nothing is done twice', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const stores = await replicas.several(2);
    await stores[0]?.commit(beginRun('run_a'));
    const acknowledged = new Set<string>();
    let refusals = 0;
    let isOver = false;
    const load = stores.flatMap((store, at) =>
      Array.from({ length: 8 }, async (_, worker) => {
        for (let turn = 0; !isOver; turn++) {
          const act = action(`act_${at}_${worker}_${turn}`, 'run_a');
          try {
            const op = admit(act, { reservations: [calls('k', 1e9)] });
            const { ok } = await store.commit(op);
            assert.ok(ok);
            acknowledged.add(act.id);
          } catch (error) {
            assert.equal((error as { code: string }).code, 'STORE_DOWN');
            refusals++;
            await store.back();
          }
        }
      }),
    );
    for (let round = 1; round <= 2; round++) {
      const soFar = acknowledged.size;
      while (acknowledged.size < soFar + 300) await new Promise(setImmediate);
      await ground.server.kill9();
      while (refusals < round * 4) await new Promise(setImmediate);
      await ground.server.restart();
    }
    const soFar = acknowledged.size;
    while (acknowledged.size < soFar + 100) await new Promise(setImmediate);
    isOver = true;
    await Promise.all(load);
    const [store] = stores;
    assert.ok(store);
    const there = new Set((await store.openActions()).map(({ id }) => id));
    for (const id of acknowledged) assert.ok(there.has(id), `${id} was acknowledged and is gone`);
    assert.equal((await used(store, 'k')).pending, there.size);
    await replicas.close();
    await holds(replicas);
  });

  test('an answer to COMMIT that is lost is found out: it was committed', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [store, wire] = await wired(t, replicas);
    await store.commit(beginRun('run_a'));
    wire.mood = 'loses-the-answer';
    const op = admit(action('act_a', 'run_a'), { reservations: [calls('k', 9)] });
    assert.deepEqual(await store.commit(op), { ok: true });
    assert.equal(wire.cut, 1);
    await store.back();
    assert.deepEqual(await types(store, 'run_a'), ['run.begun', 'action.intent']);
    assert.deepEqual(await used(store, 'k'), { posted: 0, pending: 1 });
    await assert.rejects(store.commit(op), { code: 'INTERNAL' }, 'it is there, once');
    await replicas.close();
    await holds(replicas);
  });

  test('a COMMIT that never arrived is found out: nothing was done', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [store, wire] = await wired(t, replicas);
    await store.commit(beginRun('run_a'));
    wire.mood = 'loses-the-commit';
    const op = admit(action('act_a', 'run_a'), { reservations: [calls('k', 9)] });
    await assert.rejects(store.commit(op), DOWN);
    assert.equal(wire.cut, 1);
    await store.back();
    assert.deepEqual(await types(store, 'run_a'), ['run.begun']);
    assert.deepEqual(await store.commit(op), { ok: true });
    await replicas.close();
    await holds(replicas);
  });

  test('a partition is noticed, everything is refused quickly, and it comes back by itself', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [store, wire] = await wired(t, replicas);
    const other = await replicas.open();
    await store.commit(beginRun('run_a'));
    await store.beat(0);
    wire.mood = 'silent';
    const began = performance.now();
    const asked = await Promise.allSettled([
      store.commit(admit(action('act_a', 'run_a'))),
      store.haltState(),
      store.beat(0),
      store.token('hash'),
    ]);
    for (const answer of asked)
      assert.equal(answer.status === 'rejected' && answer.reason.code, 'STORE_DOWN');
    assert.ok(performance.now() - began < 20_000, 'noticed too late');
    const then = performance.now();
    await assert.rejects(store.commit(beginRun('run_b')), DOWN);
    await assert.rejects(store.haltState(), DOWN);
    assert.ok(performance.now() - then < 500, 'what is known to be down is refused at once');
    await other.commit(raise('all'));
    wire.mood = 'honest';
    await store.back();
    assert.equal((await store.haltState()).stamp.halt, 1);
    const late = await store.commit(admit(action('act_b', 'run_a')));
    assert.deepEqual(late, { ok: false, because: 'stale' });
    await replicas.close();
    await holds(replicas);
  });

  test('a replica that died in the midst of a transaction does not hold the others up', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [store, wire] = await wired(t, replicas);
    const other = await replicas.open();
    await store.commit(beginRun('run_a'));
    const act = action('act_a', 'run_a');
    await store.commit(admit(act));
    wire.mood = 'silent';
    const lost = store.commit(settle(act));
    lost.catch(() => {});
    assert.equal((await other.commit(raise('all'))).ok, true);
    wire.mood = 'honest';
    await lost.catch(() => {});
    await replicas.close();
    await holds(replicas);
  });
});
