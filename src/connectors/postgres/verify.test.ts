/** What `signalbox verify` finds out with a minted login, and that it finds what is too much. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import type { Verified } from '../../domain/verified.ts';
import { AGENT, openSite, type Site } from './testing/site.ts';

let site: Site;
let read: Tool;
let write: Tool;

before(async () => {
  site = await openSite();
  read = await site.tool('get_customer', 'select id, name from customers where id = :id');
  write = await site.tool('set_plan', 'update customers set plan = :plan where id = :id');
});
after(() => site.stop());

async function verified(...tools: readonly Tool[]): Promise<Verified> {
  await site.grant(...tools);
  const { login } = await site.mint();
  const found = await site.inspector.verify?.(site.connection, { agent: AGENT, tools }, login);
  assert.ok(found);
  return found;
}

test('another column, another table, any write: refused by the database itself', async () => {
  const { probes, beyond } = await verified(read);
  assert.deepEqual(beyond, []);
  const said = new Map(probes.map((probe) => [probe.what, probe]));
  for (const what of [
    'read email of public.customers',
    'read notes of public.customers',
    'update name of public.customers',
    'insert name into public.customers',
    'delete from public.customers',
    'truncate public.customers',
    'read id of public.orders',
    'read id of public.audit_log',
    'delete from public.orders',
    'make roles',
    'run programs of the server',
    'become signalbox_broker',
  ]) {
    const probe = said.get(what);
    assert.equal(probe?.allowed, false, what);
    assert.match(probe?.said ?? '', /42501/, what);
  }
  assert.deepEqual(
    probes.filter(({ allowed }) => allowed).map(({ what }) => what),
    ['read id of public.customers', 'read name of public.customers'],
  );
});

test('rows that only the statement binds, and rights for images, are said', async () => {
  const { notes, beyond } = await verified(read, write);
  assert.deepEqual(beyond, []);
  assert.ok(notes.some((note) => /rows of public.customers .* only: with the login/.test(note)));
  assert.ok(notes.some((note) => /`set_plan` may read .*plan.* for images/.test(note)));
  assert.ok(notes.some((note) => /PUBLIC may make temporary tables/.test(note)));
  const { major } = site.server;
  assert.equal(
    notes.some((note) => /CREATEROLE reaches every role/.test(note)),
    major < 16,
  );
  assert.equal(
    notes.some((note) => /other roles its members/.test(note)),
    major < 15,
  );
});

test('row security is told from that', async () => {
  await site.sql('ALTER TABLE customers ENABLE ROW LEVEL SECURITY');
  try {
    const own = await site.tool('own', 'select id from customers where id = :id');
    const { notes } = await verified(own);
    assert.ok(
      notes.some((note) => /rows of public.customers are bound by row security/.test(note)),
    );
  } finally {
    await site.sql('ALTER TABLE customers DISABLE ROW LEVEL SECURITY');
  }
});

for (const [why, give, what, take] of [
  [
    'a table for everybody',
    'GRANT SELECT ON audit_log TO PUBLIC',
    /read .* of public.audit_log \(PUBLIC may\)/,
    'REVOKE SELECT ON audit_log FROM PUBLIC',
  ],
  [
    'a column for everybody',
    'GRANT SELECT (email) ON customers TO PUBLIC',
    /read email of public.customers/,
    'REVOKE SELECT (email) ON customers FROM PUBLIC',
  ],
  [
    'a write for everybody',
    'GRANT DELETE ON orders TO PUBLIC',
    /delete from public.orders/,
    'REVOKE DELETE ON orders FROM PUBLIC',
  ],
  [
    'a view for everybody',
    'CREATE VIEW peek AS SELECT * FROM customers; GRANT SELECT ON peek TO PUBLIC',
    /of public.peek/,
    'DROP VIEW peek',
  ],
  [
    'a function with its owner’s rights',
    `CREATE FUNCTION leak() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT max(email) FROM public.customers'`,
    /call public\.leak\(\) with its owner’s rights \(PUBLIC may\)/,
    'DROP FUNCTION leak()',
  ],
  [
    'files of the server',
    'GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC',
    /read files of the server/,
    'REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM PUBLIC',
  ],
] as const)
  test(`too much is found: ${why}`, async () => {
    await site.sql(give);
    try {
      const { beyond } = await verified(read);
      assert.ok(
        beyond.some((one) => what.test(one)),
        beyond.join('; ') || 'nothing was found',
      );
    } finally {
      await site.sql(take);
    }
  });

test('what a tool needs and the role lacks is found too', async () => {
  await site.grant(read);
  const { login } = await site.mint();
  const tools = [read, write];
  const found = await site.inspector.verify?.(site.connection, { agent: AGENT, tools }, login);
  assert.match(
    found?.beyond.join() ?? '',
    /cannot update plan of public.customers, which a tool needs/,
  );
});

test('nothing at the database is changed by it', async () => {
  const before = await site.acme.counts();
  await verified(read, write);
  assert.deepEqual(await site.acme.counts(), before);
});
