import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { verifyPostgres } from '../../src/store/postgres/evidence.ts';
import { gateKey } from '../../src/store/postgres/locks.ts';
import { PATIENCE, Session } from '../../src/store/postgres/session.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { MASTER_KEY, raise, stillDoors } from './store-cast.ts';

/** A replica that is cut off or suspended in the midst of a commit holds the gate, and every halt has to pass it. */

let server: AcmePostgres;
before(async () => {
  server = await startPostgres({ durable: false });
});
after(() => server.stop());

function addressOf({ host, port, user, password, database }: AcmePostgres): PostgresAddress {
  return { client: { host, port, user, password, database, ssl: false } };
}

test('what holds nobody up may take its time: a start and a verification on a machine that has much else to do', async (t) => {
  const say = Session.prototype.say;
  t.after(() => {
    Session.prototype.say = say;
  });
  Session.prototype.say = async function (sql) {
    const said = await say.call(this, sql);
    if (sql.startsWith('BEGIN')) await sleep(PATIENCE.heldMs + 200);
    return said;
  };
  const address = addressOf(server);
  const store = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors() });
  assert.deepEqual((await verifyPostgres({ address, masterKey: MASTER_KEY })).problems, []);
  Session.prototype.say = say;
  await store.close();
});

test('a session that the server ended says why', async () => {
  const patience = { ...PATIENCE, heldMs: 50 };
  const session = await Session.open(addressOf(server), { use: 'test', patience });
  const lost = Promise.withResolvers<void>();
  session.onLost(lost.resolve);
  await session.say('BEGIN');
  await lost.promise;
  await assert.rejects(session.say('SELECT 1'), /idle-in-transaction timeout/);
  session.destroy();
});

test('a halt waits for a replica that fell silent in a commit no longer than old knowledge may last', async () => {
  const address = addressOf(server);
  const store = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors() });
  const silent = await Session.open(address, { use: 'writing' });
  const gate = { name: 'gate', text: 'SELECT pg_advisory_xact_lock_shared($1)' };
  await silent.say('BEGIN');
  await silent.rows(gate, [gateKey(silent.key)]);
  const started = performance.now();
  const raised = await store.commit(raise('all'));
  const waited = performance.now() - started;
  assert.equal(raised.ok, true);
  assert.ok(waited > 500, `it did hold the gate: ${waited} ms`);
  assert.ok(waited < 4_000, `${waited} ms`);
  silent.destroy();
  await store.close();
});
