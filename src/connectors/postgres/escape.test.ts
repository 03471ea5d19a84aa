/** What a thief can do with a minted credential: what its tools do, and nothing else. Refused by the database itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type pg from 'pg';
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
