/** Grant roles: exactly what the tools need, no more after a tool is gone. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import type { SignalboxError } from '../../domain/errors.ts';
import { AGENT, openSite, type Site } from './testing/site.ts';

let site: Site;
let read: Tool;
let remove: Tool;

before(async () => {
  site = await openSite();
  read = await site.tool('read', 'select id, name from customers where id = :id');
  remove = await site.tool('remove', 'delete from orders where id = :id');
});
after(() => site.stop());

/** `TABLE.column PRIVILEGE` of everything the role holds itself. */
async function held(agent = AGENT): Promise<string[]> {
  const { rows } = await site.sql(
    `SELECT c.relname || '.' || t.attname || ' ' || a.privilege_type AS line
     FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a
     WHERE a.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1)
     UNION ALL
     SELECT c.relname || ' ' || a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
     WHERE a.grantee = (SELECT oid FROM pg_roles WHERE rolname = $1) ORDER BY 1`,
    [site.admin.grantRole(agent, site.connection)],
  );
  return rows.map(({ line }) => line);
}
const READ = ['customers.id SELECT', 'customers.name SELECT'];
const REMOVE = ['orders DELETE', 'orders.id SELECT', 'orders.xmin SELECT'];

test('a role holds exactly what its tools need', async () => {
  await site.grant(read, remove);
  assert.deepEqual(await held(), [...READ, ...REMOVE]);
});

test('preparing again changes nothing', async () => {
  const acl = 'SELECT attacl::text FROM pg_attribute WHERE attrelid = $1::regclass ORDER BY attnum';
  const before = (await site.sql(acl, ['customers'])).rows;
  await site.grant(read, remove);
  assert.deepEqual((await site.sql(acl, ['customers'])).rows, before);
});

test('what a removed tool needed is revoked', async () => {
  await site.grant(read);
  assert.deepEqual(await held(), READ);
});

test('what somebody else added is revoked, or said when it cannot be', async () => {
  const role = site.admin.grantRole(AGENT, site.connection);
  await site.sql(`GRANT SELECT (email) ON customers TO "${role}" GRANTED BY CURRENT_USER`);
  await assert.rejects(site.grant(read), (error: SignalboxError) => {
    assert.equal(error.code, 'CREDENTIAL_FAILED');
    assert.match(error.message, /SELECT \("email"\).*cannot revoke/);
    return true;
  });
  await site.sql(`REVOKE SELECT (email) ON customers FROM "${role}"`);
  await site.grant(read);
});

test('two agents hold their own, and one that is gone holds nothing', async () => {
  const both = [
    { agent: 'support', tools: ['read'] },
    { agent: 'cleaner', tools: ['remove'] },
  ];
  await site.inspector.prepare(site.connection, [read, remove], both);
  assert.deepEqual(await held('support'), READ);
  assert.deepEqual(await held('cleaner'), REMOVE);
  const lease = { ...site.lease(), agent: 'cleaner' };
  await site.grant(read);
  assert.deepEqual(await held('cleaner'), []);
  const { rows } = await site.sql('SELECT FROM pg_roles WHERE rolname = $1', [
    site.admin.grantRole('cleaner', site.connection),
  ]);
  assert.equal(rows.length, 0, 'the empty role is dropped');
  assert.equal(lease.agent, 'cleaner');
});

test('a login that lives loses what its agent lost', async () => {
  await site.grant(read, remove);
  const client = await site.leaked((await site.mint()).login);
  await client.query('DELETE FROM orders WHERE id = 1');
  await site.grant(read);
  await assert.rejects(client.query('DELETE FROM orders WHERE id = 2'), { code: '42501' });
});

test('preparations at the same time do not disturb each other', async () => {
  await Promise.all(Array.from({ length: 4 }, () => site.grant(read, remove)));
  assert.deepEqual(await held(), [...READ, ...REMOVE]);
});

test('a role of that name that can do more is refused', async () => {
  const role = site.admin.grantRole('imposter', site.connection);
  await site.sql(`CREATE ROLE "${role}" LOGIN CREATEDB`);
  await assert.rejects(
    site.inspector.prepare(site.connection, [read], [{ agent: 'imposter', tools: ['read'] }]),
    /more than a holder of grants/,
  );
  await site.sql(`DROP ROLE "${role}"`);
});

test('a table that was made anew since the plan is refused', async () => {
  await site.sql(
    'CREATE TABLE public.brief (id int); GRANT SELECT ON brief TO signalbox_broker WITH GRANT OPTION',
  );
  const tool = await site.tool('brief', 'select id from brief');
  await site.sql('DROP TABLE public.brief; CREATE TABLE public.brief (id int)');
  await assert.rejects(site.grant(tool), ({ code }: SignalboxError) => code === 'TOOL_DRIFTED');
  assert.deepEqual(await held(), [...READ, ...REMOVE], 'nothing of it was half done');
});
