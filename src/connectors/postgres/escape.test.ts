/** What a thief can do with a minted credential: what its tools do, and nothing else. Refused by the database itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let thief: pg.Client;

before(async () => {
  site = await openSite();
  await site.grant(
    await site.tool('read', 'select id, name from customers where id = :id'),
    await site.tool('set_plan', 'update customers set plan = :plan where id = :id'),
  );
  thief = await site.leaked((await site.mint()).login);
});
after(() => site.stop());

for (const sql of [
  'SELECT id, name FROM customers WHERE id = 1',
  `UPDATE customers SET plan = 'team' WHERE id = 1`,
  'SELECT plan FROM customers WHERE id = 1',
])
  test(`its own: ${sql}`, async () => {
    await thief.query(sql);
  });

for (const sql of [
  'SELECT email FROM customers',
  'SELECT * FROM customers',
  'SELECT c FROM customers c',
  'SELECT id FROM customers WHERE email IS NOT NULL',
  'SELECT id FROM orders',
  'SELECT id FROM audit_log',
  `UPDATE customers SET email = 'x' WHERE id = 1`,
  `UPDATE customers SET plan = 'free' WHERE city = 'Graz'`,
  'DELETE FROM customers WHERE id = 1',
  `INSERT INTO customers (id, name, email, city, plan) VALUES (9999, 'a', 'b', 'c', 'free')`,
  `INSERT INTO audit_log (by_role, table_name, row_id, row_image) VALUES ('x', 'x', 1, '{}')`,
  'TRUNCATE customers',
  'DROP TABLE customers',
  'ALTER TABLE customers ADD COLUMN x int',
  'CREATE TABLE public.mine (id int)',
  'ALTER TABLE customers DISABLE TRIGGER ALL',
  'COPY customers TO STDOUT',
  `COPY customers (id) TO '/tmp/x'`,
  `SELECT pg_read_file('/etc/passwd')`,
  'SELECT rolpassword FROM pg_authid',
  'SET ROLE signalbox_broker',
  'SET ROLE acme_owner',
  'SET ROLE pg_read_all_data',
  'SET SESSION AUTHORIZATION postgres',
  'CREATE ROLE friend LOGIN',
  "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'",
  'ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000',
  'GRANT signalbox_broker TO CURRENT_USER',
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'signalbox_broker'",
  'CREATE EXTENSION dblink',
])
  test(`refused: ${sql}`, async () => {
    await assert.rejects(thief.query(sql), { code: '42501' });
  });

test('it may not become its grant role, whose membership would outlive it', async () => {
  const role = site.admin.grantRole('support', site.connection);
  await assert.rejects(thief.query(`SET ROLE "${role}"`), { code: '42501' });
});

test('it cannot hand its own rights on', async () => {
  await thief.query('GRANT SELECT (id) ON customers TO PUBLIC').catch(() => {});
  const { rows } = await site.sql(
    `SELECT FROM pg_attribute, aclexplode(attacl) a
     WHERE attrelid = 'customers'::regclass AND a.grantee = 0`,
  );
  assert.equal(rows.length, 0);
});

test('a read session of the connector refuses what even the role may do', async () => {
  const { login } = await site.mint();
  const tool = await site.tool('read', 'select id, name from customers where id = :id');
  // A plan that was tampered with: declared a read, and writes.
  const statement = `update customers set plan = 'free' where id = $1 returning id, plan`;
  const forged = { ...tool, binding: { ...tool.binding, statement } };
  await assert.rejects(site.begin(site.call(forged, { id: 1 }, login)), /read-only transaction/);
});

const mayLogIn = async (role: string): Promise<boolean | undefined> =>
  (await site.sql('SELECT rolcanlogin FROM pg_roles WHERE rolname = $1', [role])).rows[0]
    ?.rolcanlogin;

test('whom a login was handed on to has nothing of it when it is ended, and the broker is not put out', async () => {
  const { major, host, port } = site.server;
  const { database } = site.acme;
  await site.sql(`CREATE ROLE bob LOGIN PASSWORD 'x'`);
  const bob = new pg.Client({ host, port, database, user: 'bob', password: 'x' });
  bob.on('error', () => {});
  await bob.connect();
  const { lease, login } = await site.mint();
  const thief = await site.leaked(login);
  const hand = thief.query(`GRANT "${login.user}" TO bob`);
  if (major >= 15) await assert.rejects(hand, { code: '42501' });
  else {
    await hand;
    await bob.query(`SET ROLE "${login.user}"`);
    await bob.query('SELECT id FROM customers WHERE id = 1');
    await thief.query(`REVOKE "${login.user}" FROM bob, "${site.acme.broker.user}"`);
    assert.equal(await site.issuer.verifyDead(lease, site.connection), false);
  }
  await site.issuer.revoke(lease, site.connection);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await mayLogIn(login.user), undefined);
  await assert.rejects(bob.query('SELECT id FROM customers WHERE id = 1'), { code: '42501' });
  await bob.end();
  await site.sql('DROP ROLE bob');
});

test('a login that owns something elsewhere is kept as a role, without what it made here', async () => {
  const { host, port } = site.server;
  const { lease, login } = await site.mint();
  await site.sql(`GRANT CREATE ON SCHEMA public TO PUBLIC`);
  await site.server.query(`GRANT CREATE ON SCHEMA public TO PUBLIC`);
  const at = { host, port, user: login.user, password: login.password };
  const away = new pg.Client({ ...at, database: 'postgres' });
  away.on('error', () => {});
  await away.connect();
  await away.query('CREATE TABLE public.anchor (id int)');
  const thief = await site.leaked(login);
  await thief.query(`CREATE FUNCTION public.left_behind() RETURNS SETOF int LANGUAGE sql SECURITY DEFINER
    AS 'SELECT id FROM public.customers'`);
  await site.issuer.revoke(lease, site.connection);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await mayLogIn(login.user), false);
  await assert.rejects(site.sql('SELECT public.left_behind()'), { code: '42883' });
  await site.server.query(`DROP TABLE public.anchor; DROP ROLE "${login.user}";
    REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
  await site.sql('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
});
