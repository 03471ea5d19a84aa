import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { landedBy } from '../../src/domain/halt.ts';
import { type Store, SYSTEM_CHAIN } from '../../src/domain/store.ts';
import { realDoors } from '../../src/doors.ts';
import { verifyPostgres } from '../../src/store/postgres/evidence.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { Ground, type Replicas } from './replicas.ts';
import {
  action,
  admit,
  applyBundle,
  beginRun,
  calls,
  HOUR,
  MASTER_KEY,
  raise,
  settle,
} from './store-cast.ts';
import { used } from './store-scene.ts';

describe('replicas on one database', () => {
  let ground: Ground;
  before(async () => {
    ground = await Ground.start();
  });
  after(() => ground.server.stop());

  async function holds({ address }: Replicas): Promise<void> {
    const { problems } = await verifyPostgres({ address, masterKey: MASTER_KEY });
    assert.deepEqual(problems, []);
  }

  async function intents(store: Store): Promise<number> {
    const runs = await store.runs({ limit: 9 });
    return runs.reduce((sum, { actions }) => sum + actions, 0);
  }

  for (const number of [2, 4])
    test(`${number} of them never pass a hot limit, and fork no chain`, async (t) => {
      const replicas = await ground.fresh();
      t.after(() => replicas.close());
      const stores = await replicas.several(number);
      const [first] = stores;
      assert.ok(first);
      // Runs of their own: what they share is the limit, and nothing else makes them wait for each other.
      for (let run = 0; run < 3; run++)
        for (let at = 0; at < number; at++) await first.commit(beginRun(`run_${at}_${run}`));
      const LIMIT = 150;
      let spent = 0;
      let refused = 0;
      await Promise.all(
        stores.flatMap((store, at) =>
          Array.from({ length: 12 }, async (_, worker) => {
            for (let turn = 0; turn < 10; turn++) {
              const act = action(`act_${at}_${worker}_${turn}`, `run_${at}_${(worker + turn) % 3}`);
              const reservations = [
                calls('hot', LIMIT, 1 + (turn % 2)),
                calls(`run:${act.runId}`, 999),
              ];
              const { ok } = await store.commit(admit(act, { reservations }));
              if (!ok) refused++;
              else if (turn % 3 === 0)
                await store.commit(
                  settle(act, {
                    settlement: { kind: 'failed', code: 'X', message: '' },
                    posted: null,
                  }),
                );
              else spent += 1 + (turn % 2);
            }
          }),
        ),
      );
      const { posted, pending } = await used(first, 'hot');
      assert.equal(posted + pending, spent, 'what was acknowledged is what is reserved');
      assert.ok(spent <= LIMIT && spent >= LIMIT - 2, `${spent} of ${LIMIT}`);
      assert.ok(refused > 0);
      await replicas.close();
      await holds(replicas);
    });

  test('a halt waits for the batches before it and no longer, and nothing under the old number comes after', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [one, two] = await replicas.several(2);
    assert.ok(one && two);
    for (const run of ['run_0', 'run_1']) await one.commit(beginRun(run));
    let isOver = false;
    const admitted: string[] = [];
    const flood = [one, two].flatMap((store, at) =>
      Array.from({ length: 16 }, async (_, worker) => {
        for (let turn = 0; !isOver; turn++) {
          const act = action(`act_${at}_${worker}_${turn}`, `run_${at}`);
          const answer = await store.commit(admit(act, { reservations: [calls(`k${at}`, 1e9)] }));
          if (answer.ok) admitted.push(act.id);
          else {
            assert.equal(answer.because, 'stale');
            return;
          }
        }
      }),
    );
    while (admitted.length < 500) await one.haltState();
    const began = performance.now();
    // No chain of a run is written by this one: only the gate stands between.
    await two.commit(raise('tool:set_plan'));
    const waited = performance.now() - began;
    const counted = await intents(one);
    await Promise.all(flood);
    isOver = true;
    assert.equal(await intents(one), counted, 'an intent came after');
    assert.equal(admitted.length, counted);
    assert.ok(waited < 2_000, `the halt waited ${waited} ms`);
    await replicas.close();
    await holds(replicas);
  });

  test('inert is taken only when every other replica that was heard lately has landed', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [one, two] = await replicas.several(2);
    assert.ok(one && two);
    await one.commit(raise('all'));
    const inert = (epoch: number, scope: string, heardMs: number) =>
      one.commit({ kind: 'halt.inert', scope, epoch, leases: [], heardMs, report: {}, at: 0 });
    await one.beat(0); // its own is not asked for
    await two.beat(0);
    assert.deepEqual(await inert(1, 'all', 60_000), { ok: false, because: 'flying' });
    await two.beat(1);
    assert.deepEqual(await inert(1, 'all', 60_000), { ok: true });
    assert.deepEqual(await inert(1, 'all', 60_000), { ok: false, because: 'moved' });
    await one.commit(raise('agent:support'));
    // one that is silent for longer has stopped itself
    assert.deepEqual(await inert(2, 'agent:support', 0), { ok: true });
    await replicas.close();
    await holds(replicas);
  });

  test('a halt is seen by whoever asks after it, and told to who listens', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const [one, two] = await replicas.several(2);
    assert.ok(one && two);
    const heard: string[] = [];
    const first = Promise.withResolvers<void>();
    const stop = two.watch((key) => {
      heard.push(key);
      first.resolve();
    });
    await two.listening();
    await one.commit(beginRun('run_a'));
    await one.commit(raise('all'));
    assert.equal((await two.haltState()).stamp.halt, 1);
    assert.equal((await two.beat(0)).halts.length, 1);
    await first.promise;
    assert.deepEqual(heard, ['halt 1 all']);
    const bundle = one.commit(applyBundle('bundle_1'));
    while (!heard.includes('bundle')) await two.haltState();
    await bundle;
    await one.commit({ kind: 'run.end', runId: 'run_a', why: 'it is over', at: Date.now() });
    while (!heard.includes('run:run_a')) await two.haltState();
    for (const landed of [1, 1, 2]) await one.beat(landed);
    while (!heard.includes(`landed 2 ${one.replica}`)) await two.haltState();
    const told = heard.filter((key) => key.startsWith('landed')).map(landedBy);
    assert.deepEqual(
      told,
      [1, 2].map((landed) => ({ replica: one.replica, landed })),
      'who landed, and once each',
    );
    stop();
    await replicas.close();
    await holds(replicas);
  });

  test('each says when it was last heard, by the clock of the database alone', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const one = await replicas.open();
    const late = await replicas.open(undefined, -HOUR);
    const early = await replicas.open(undefined, +HOUR);
    await late.beat(3);
    await early.beat(4);
    const { replicas: seen } = await one.beat(0);
    assert.deepEqual(
      seen.map(({ id, landed }) => [id, landed]).toSorted(),
      [
        [one.replica, 0],
        [late.replica, 3],
        [early.replica, 4],
      ].toSorted(),
    );
    for (const { quietMs } of seen) assert.ok(quietMs >= 0 && quietMs < 60_000, String(quietMs));
    await late.close();
    assert.equal((await one.beat(0)).replicas.length, 2, 'one that closes says goodbye');
    const { schema } = replicas.address;
    const { server } = ground;
    await server.query(`UPDATE ${schema}.replicas SET heard_at = heard_at - interval '2 hours'
      WHERE id = '${early.replica}'`);
    const quiet = (await one.beat(0)).replicas.find(({ id }) => id === early.replica);
    assert.ok((quiet?.quietMs ?? 0) < HOUR, 'the time before the server began is nobody’s silence');
    await replicas.close();
  });

  test('they make the schema once, and all open on it', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    const stores = await replicas.several(6);
    assert.equal((await stores[0]?.timeline(SYSTEM_CHAIN))?.length, 1);
    await replicas.close();
    await holds(replicas);
  });

  test('another master key is refused, and so is a schema of a newer program', async (t) => {
    const replicas = await ground.fresh();
    t.after(() => replicas.close());
    await replicas.open();
    const other = { address: replicas.address, masterKey: new Uint8Array(32), doors: realDoors() };
    await assert.rejects(openPostgresStore(other), { code: 'MASTER_KEY' });
    await ground.server.query(
      `INSERT INTO ${replicas.address.schema}.migrations VALUES (99, 'from the future', 'x', 1, 0)`,
    );
    await assert.rejects(replicas.open(), { code: 'STORE_NEWER' });
    await replicas.close();
  });
});
