import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { Store } from '../../src/domain/store.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { beginRun, beginSubRun, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

/** Two replicas at one run tree: whatever comes first, nothing lives under a run that is over. */
let server: AcmePostgres;
let replicas: readonly [Store, Store];
before(async () => {
  server = await startPostgres({ durable: false });
  const { host, port, user, password, database } = server;
  const address: PostgresAddress = {
    client: { host, port, user, password, database, ssl: false },
    schema: 'trees',
  };
  await server.query('CREATE SCHEMA trees');
  const open = (seed: string) =>
    openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors(seed) });
  replicas = [await open('a'), await open('b')];
});
after(async () => {
  await Promise.all(replicas.map((store) => store.close()));
  await server.stop();
});

const end = (store: Store, runId: string) =>
  store.commit({ kind: 'run.end', runId, why: 'done', at: T0 });

test('a tree that grows at one replica while it ends at the other leaves nothing alive', async () => {
  const [here, there] = replicas;
  let late = 0;
  for (let round = 0; round < 12; round++) {
    const root = beginRun(`run_${round}`);
    const child = beginSubRun(`run_${round}_c`, root);
    for (const run of [root, child]) assert.deepEqual(await here.commit(run), { ok: true });
    const growing = Array.from({ length: 8 }, (_, index) =>
      (index % 2 === 0 ? here : there).commit(
        beginSubRun(`run_${round}_${index}`, index % 4 < 2 ? child : root),
      ),
    );
    const ending = [end(there, `run_${round}_c`), end(here, `run_${round}`)];
    const grown = await Promise.all(growing);
    const [ended] = (await Promise.all(ending)).toReversed();
    assert.equal(ended?.ok, true);
    late += grown.filter(({ ok }) => !ok).length;
    const ids = [root.run.id, child.run.id, ...grown.map((_, index) => `run_${round}_${index}`)];
    for (const id of ids) {
      const states = await Promise.all(replicas.map((store) => store.run(id)));
      for (const run of states) assert.notEqual(run?.state, 'live', id);
    }
  }
  assert.ok(late > 0, 'no round was a race');
});
