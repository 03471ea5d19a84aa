import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { PostgresAddress } from '../../src/store/postgres/address.ts';
import { verifyPostgres } from '../../src/store/postgres/evidence.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { MASTER_KEY, stillDoors } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

describe('evidence in PostgreSQL', () => {
  let server: AcmePostgres;
  let address: PostgresAddress;

  before(async () => {
    server = await startPostgres({ durable: false });
    await server.query('CREATE SCHEMA victim');
    const { host, port, user, password, database } = server;
    address = { client: { host, port, user, password, database, ssl: false }, schema: 'victim' };
    const store = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: stillDoors() });
    await everyKind(store);
    await store.close();
    await server.query('ALTER TABLE victim.events DISABLE TRIGGER events_keep');
  });
  after(() => server.stop());

  const verify = (masterKey: Uint8Array | null = MASTER_KEY) =>
    verifyPostgres({ address, masterKey });

  test('a day of every kind of record holds, with the key and without', async () => {
    const evidence = await verify();
    assert.deepEqual(evidence.problems, []);
    assert.equal(evidence.ok, true);
    assert.ok(evidence.rowsCompared > 30, String(evidence.rowsCompared));
    assert.ok(evidence.payloadsChecked > 10);
    assert.equal((await verify(null)).ok, true);
    const other = new Uint8Array(32).fill(9);
    await assert.rejects(verify(other), { code: 'MASTER_KEY' });
  });

  const edits = [
    `UPDATE victim.events SET body = replace(body, 'set_plan', 'set_plum') WHERE chain = 'run_a' AND type = 'action.intent'`,
    `UPDATE victim.events SET at = 9223372036854775807 WHERE chain = 'run_a' AND type = 'action.intent'`,
    `DELETE FROM victim.events WHERE chain = 'run_b' AND seq = (SELECT max(seq) FROM victim.events WHERE chain = 'run_b')`,
    `DELETE FROM victim.events WHERE chain = 'run_b'`,
    `UPDATE victim.payloads SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) WHERE chain = 'run_a'`,
    `DELETE FROM victim.payloads WHERE chain = 'run_b'`,
    `DELETE FROM victim.chain_keys WHERE chain = 'run_b'`,
    `UPDATE victim.usage SET posted = posted + 1`,
    `UPDATE victim.tokens SET revoked = 0`,
    `UPDATE victim.halts SET state = 'gated'`,
    `UPDATE victim.approvals SET state = 'approved'`,
    `UPDATE victim.approvals SET binding = '{'`,
    `UPDATE victim.runs SET expires_at = expires_at + 1`,
    `UPDATE victim.actions SET state = 'done'`,
    `UPDATE victim.leases SET state = 'live'`,
    `UPDATE victim.control SET halt = 7`,
    `UPDATE victim.bundles SET body = replace(body, 'bundle_1', 'bundle_9')`,
    `UPDATE victim.operators SET role = 'operator'`,
    `UPDATE victim.chain_heads SET seq = seq + 1 WHERE chain = 'run_a'`,
    `INSERT INTO victim.chain_heads VALUES ('run_z', 1, '')`,
    `INSERT INTO victim.tokens VALUES ('h', 'operator', 'mallory', 9, 0)`,
  ];
  for (const edit of edits)
    test(`found: ${edit.replaceAll('victim.', '')}`, async () => {
      await server.query('CREATE SCHEMA kept');
      const { rows } = await server.query<{ t: string }>(
        `SELECT relname AS t FROM pg_class WHERE relnamespace = 'victim'::regnamespace AND relkind = 'r'`,
      );
      const table = /(?:UPDATE|FROM|INTO) victim\.(\w+)/.exec(edit)?.[1];
      assert.ok(rows.some(({ t }) => t === table));
      await server.query(`CREATE TABLE kept.${table} AS SELECT * FROM victim.${table}`);
      try {
        const { rowCount } = await server.query(edit);
        assert.ok((rowCount ?? 0) > 0, 'the edit changed nothing');
        const { ok, problems } = await verify();
        assert.equal(ok, false);
        assert.ok(problems.length > 0);
      } finally {
        await server.query(`SET session_replication_role = replica;
          DELETE FROM victim.${table};
          INSERT INTO victim.${table} OVERRIDING SYSTEM VALUE SELECT * FROM kept.${table};
          DROP SCHEMA kept CASCADE; SET session_replication_role = DEFAULT`);
      }
    });
});
