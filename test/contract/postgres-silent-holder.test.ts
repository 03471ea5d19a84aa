import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { gateKey } from '../../src/store/postgres/locks.ts';
import { Session } from '../../src/store/postgres/session.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { MASTER_KEY, raise, stillDoors } from './store-cast.ts';

/** A replica that is cut off or suspended in the midst of a commit holds the gate, and every halt has to pass it. */

let server: AcmePostgres;
before(async () => {
  server = await startPostgres({ durable: false });
});
after(() => server.stop());

test('a halt waits for a replica that fell silent in a commit no longer than old knowledge may last', async () => {
  const { host, port, user, password, database } = server;
  const address: PostgresAddress = { client: { host, port, user, password, database, ssl: false } };
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
