import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from './postgres.ts';
import { type Acme, copyAcme, counts, createAcme } from './schema.ts';

const DENIED = { code: '42501' };

describe('the acme database', () => {
  let server: AcmePostgres;
  let acme: Acme;
  let broker: pg.Client;
  before(async () => {
    server = await startPostgres({ durable: false });
    acme = await createAcme(server);
    broker = await connect(acme.broker.user, acme.broker.password);
  });
  after(async () => {
    await broker?.end();
    await server?.stop();
  });

  async function connect(user: string, password: string): Promise<pg.Client> {
    const { host, port } = server;
    const client = new pg.Client({ host, port, user, password, database: acme.database });
    // A terminated session reports its end here; the tests look for it themselves.
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** Since 16 a membership says what it is good for. */
  const narrow = (): string => (server.major >= 16 ? ' WITH INHERIT TRUE, SET FALSE' : '');

  /** One grant set and a run's role in it, as the broker makes them. */
  async function mint(name: string): Promise<pg.Client> {
    await broker.query(`
      CREATE ROLE ${name}_set NOLOGIN;
      GRANT CONNECT ON DATABASE acme TO ${name}_set;
      GRANT USAGE ON SCHEMA public TO ${name}_set;
      GRANT SELECT (id, name, city), UPDATE (notes) ON customers TO ${name}_set;
      GRANT DELETE ON customers TO ${name}_set;
      CREATE ROLE ${name} LOGIN INHERIT PASSWORD 'once' VALID UNTIL '2099-01-01' CONNECTION LIMIT 4;
      GRANT ${name}_set TO ${name}${narrow()}`);
    return connect(name, 'once');
  }

  test('holds the same rows on every machine', async () => {
    assert.deepEqual(await acme.counts(), { customers: 500, orders: 1_500, audit_log: 0 });
    const { rows } = await server.query(
      `SELECT md5(string_agg(c::text, '|' ORDER BY id)) AS customers,
              (SELECT md5(string_agg(o::text, '|' ORDER BY id)) FROM orders AS o) AS orders
       FROM customers AS c`,
      [],
      'acme',
    );
    assert.deepEqual(rows, [
      {
        customers: '4f6155548adf58f8ef85164424de3c82',
        orders: '1d1b41bee1a3e29fab67dc82b263b1e7',
      },
    ]);
  });

  test('gives the next row the next number', async () => {
    const { rows } = await server.query(
      `INSERT INTO orders (customer_id, amount_cents, status) VALUES (1, 1, 'open') RETURNING id`,
      [],
      'acme',
    );
    assert.deepEqual(rows, [{ id: 1_501 }]);
    await server.query('DELETE FROM orders WHERE id = 1501; TRUNCATE audit_log', [], 'acme');
  });

  test('a delete cascades and is logged, and the role that ran it can measure all of it', async () => {
    const run = await mint('measured');
    await run.query('BEGIN');
    const deleted = await run.query('DELETE FROM customers WHERE id <= 10');
    const { rows } = await run.query(
      `SELECT relname AS table, n_tup_ins::int AS inserted, n_tup_del::int AS deleted
       FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY 1`,
    );
    await run.query('ROLLBACK');
    await run.end();
    assert.equal(deleted.rowCount, 10);
    assert.deepEqual(rows, [
      { table: 'audit_log', inserted: 44, deleted: 0 },
      { table: 'customers', inserted: 0, deleted: 10 },
      { table: 'orders', inserted: 0, deleted: 34 },
    ]);
    assert.deepEqual(await acme.counts(), { customers: 500, orders: 1_500, audit_log: 0 });
  });

  test('a minted role reaches its columns and nothing else', async () => {
    const run = await mint('narrow');
    const { rows } = await run.query('SELECT id FROM customers WHERE id = 1 FOR UPDATE');
    assert.deepEqual(rows, [{ id: 1 }]);
    await run.query(`UPDATE customers SET notes = 'seen' WHERE id = 1`);
    for (const sql of [
      'SELECT email FROM customers',
      'UPDATE customers SET credit_cents = 0',
      'SELECT id FROM orders',
      'SELECT id FROM audit_log',
      'TRUNCATE customers',
      // before 16 a member may: so minting makes none there
      ...(server.major >= 16 ? ['SET ROLE narrow_set'] : []),
      'CREATE TABLE mine ()',
    ]) {
      await assert.rejects(run.query(sql), DENIED, sql);
    }
    await run.end();
  });

  test('the broker ends a minted role: no login, no session, no role', async () => {
    const run = await mint('ended');
    const { rows } = await run.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid;
    await assert.rejects(broker.query('SELECT pg_terminate_backend($1)', [pid]), DENIED);
    await broker.query(`GRANT ended TO signalbox_broker${narrow()}`);
    await broker.query('ALTER ROLE ended NOLOGIN');
    assert.equal((await run.query('SELECT id FROM customers LIMIT 1')).rowCount, 1);
    const gone = new Promise((resolve) => run.once('end', resolve));
    await broker.query('SELECT pg_terminate_backend($1)', [pid]);
    await gone;
    await assert.rejects(connect('ended', 'once'), { code: '28000' });
    await broker.query('DROP ROLE ended');
    await assert.rejects(broker.query('DROP ROLE ended_set'), { code: '2BP01' });
    await broker.query(`
      REVOKE ALL ON customers FROM ended_set;
      REVOKE ALL ON SCHEMA public FROM ended_set;
      REVOKE ALL ON DATABASE acme FROM ended_set;
      DROP ROLE ended_set`);
    await assert.rejects(connect('ended', 'once'), { code: '28P01' });
  });

  test('the broker cannot make itself more than it is', async () => {
    const { rows } = await broker.query(
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
       FROM pg_roles WHERE rolname = current_user`,
    );
    assert.deepEqual(rows, [
      {
        rolsuper: false,
        rolcreaterole: true,
        rolcreatedb: false,
        rolreplication: false,
        rolbypassrls: false,
      },
    ]);
    const sinceSixteen = [
      'CREATE ROLE x CREATEDB',
      'CREATE ROLE x IN ROLE acme_owner',
      'CREATE ROLE x IN ROLE pg_signal_backend',
      'GRANT pg_read_all_data TO signalbox_broker',
      'GRANT pg_execute_server_program TO signalbox_broker',
      'GRANT acme_owner TO signalbox_broker',
      `ALTER ROLE acme_owner LOGIN PASSWORD 'x'`,
    ];
    // what verify, guide and threat model say of PostgreSQL 14 and 15
    if (server.major < 16)
      for (const sql of sinceSixteen) await broker.query(`BEGIN; ${sql}; ROLLBACK`);
    for (const sql of [
      ...(server.major >= 16 ? sinceSixteen : []),
      'CREATE ROLE x SUPERUSER',
      'CREATE ROLE x REPLICATION',
      'CREATE ROLE x BYPASSRLS',
      `ALTER ROLE postgres PASSWORD 'x'`,
      'ALTER ROLE signalbox_broker SUPERUSER',
      'DROP TABLE orders',
      'ALTER TABLE customers DISABLE TRIGGER ALL',
      'TRUNCATE orders',
      'SELECT 1 FROM audit_log',
      'CREATE TABLE mine ()',
      `COPY orders TO PROGRAM 'true'`,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'`,
    ]) {
      await assert.rejects(broker.query(sql), DENIED, sql);
    }
  });

  test('the broker hands on only what it holds, and must read back what it handed on', async () => {
    await broker.query('CREATE ROLE partly NOLOGIN');
    await assert.rejects(broker.query('GRANT SELECT ON audit_log TO partly'), DENIED);
    // For a part that it lacks PostgreSQL only warns, and the statement succeeds.
    const warnings: (string | undefined)[] = [];
    broker.on('notice', ({ code }) => warnings.push(code));
    await broker.query('GRANT SELECT, TRUNCATE ON orders TO partly');
    assert.deepEqual(warnings, ['01007']);
    const { rows } = await broker.query(
      `SELECT has_table_privilege('partly', 'orders', 'SELECT') AS read,
              has_table_privilege('partly', 'orders', 'TRUNCATE') AS truncate`,
    );
    assert.deepEqual(rows, [{ read: true, truncate: false }]);
  });

  test('a scratch copy has the rows and the grants, and its end is seen in the counts', async () => {
    const before = await broker.query('SELECT 1');
    assert.equal(before.rowCount, 1);
    await broker.end();
    const copy = await copyAcme(server, 'scratch');
    assert.deepEqual(await copy.counts(), { customers: 500, orders: 1_500, audit_log: 0 });
    const { rows } = await server.query(
      `SELECT has_table_privilege('signalbox_broker', 'orders', 'DELETE WITH GRANT OPTION') AS tables,
              has_database_privilege('signalbox_broker', 'scratch', 'CONNECT WITH GRANT OPTION') AS db`,
      [],
      'scratch',
    );
    assert.deepEqual(rows, [{ tables: true, db: true }]);
    await server.query('DROP DATABASE scratch WITH (FORCE)');
    assert.deepEqual(await counts(server, 'scratch'), { customers: 0, orders: 0, audit_log: 0 });
    broker = await connect(acme.broker.user, acme.broker.password);
  });
});

test('a hardened database admits only those who were granted', async () => {
  const server = await startPostgres({ durable: false });
  try {
    const acme = await createAcme(server, { hardened: true });
    await server.query(`CREATE ROLE stranger LOGIN PASSWORD 'x'`);
    const { host, port } = server;
    const at = { host, port, database: acme.database };
    const stranger = new pg.Client({ ...at, user: 'stranger', password: 'x' });
    await assert.rejects(stranger.connect(), DENIED);
    const broker = new pg.Client({ ...at, ...acme.broker });
    await broker.connect();
    assert.equal((await broker.query('SELECT id FROM customers')).rowCount, 500);
    // the broker analyses statements as temporary functions that are never committed
    await broker.query('CREATE TEMPORARY TABLE t ()');
    await broker.end();
  } finally {
    await server.stop();
  }
});
