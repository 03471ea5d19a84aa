/** A guarded query as its run's minted login. What agents may try is in test/evasion. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import type { Credential } from '../../domain/credential.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let tool: Tool;
let login: Credential;

const QUERY = {
  tables: { customers: ['id', 'name', 'city'], 'public.orders': ['id', 'customer_id'] },
  maxCost: 10_000,
  maxRows: 20_000,
};

async function explorer(query: object): Promise<Tool> {
  const draft = site.draft('explore', '');
  const wished = { ...draft, binding: { query } } as unknown as Tool;
  return { ...wished, ...(await site.inspector.derive(wished, site.connection)) };
}

async function answer(sql: string, by: Tool = tool): Promise<unknown> {
  const { result } = await site.done(site.call(by, { sql }, login));
  return result.structured?.rows;
}

before(async () => {
  site = await openSite();
  tool = await explorer(QUERY);
  await site.grant(tool);
  login = (await site.mint()).login;
});
after(() => site.stop());

test('it is derived as a read of its columns, and says that rows are not bound', () => {
  assert.equal(tool.effect, 'read');
  assert.ok(tool.derivation.includes('reads public.customers (id, name, city)'));
  assert.match(tool.derivation.at(-1) ?? '', /rows are bound by no statement/);
});

test('it answers', async () => {
  const { rows } = await site.sql(
    `SELECT id, name FROM customers WHERE city = 'Graz' ORDER BY id LIMIT 2`,
  );
  assert.deepEqual(
    await answer(`select id, name from public.customers where city = 'Graz' order by id limit 2`),
    rows,
  );
});

test('the same session answers the next one, whatever became of the last', async () => {
  await assert.rejects(answer('select nothing from customers'), { code: 'CONNECTOR_REFUSED' });
  await assert.rejects(answer('select id from customers; select 1'), { code: 'QUERY_REFUSED' });
  assert.deepEqual(await answer('select 1 as one'), [{ one: 1 }]);
  assert.deepEqual(await answer('select 2 as two, 3 as three'), [{ two: 2, three: 3 }]);
});

test('of two columns of one name only one would be seen', async () => {
  await assert.rejects(answer('select 1 as a, 2 as a'), /two result columns are called `a`/);
});

test('the limit is forced, and said', async () => {
  const { result, measured } = await site.done(site.call(tool, { sql: 'table customers' }, login));
  assert.equal(measured.effect.rowsRead, tool.cap.rowsRead);
  assert.match(result.cut.join(), /there are more/);
});

test('what the planner expects to be dear does not run', async () => {
  await assert.rejects(answer('select count(*) from orders a, orders b'), {
    code: 'QUERY_TOO_DEAR',
  });
  await assert.rejects(answer('select * from generate_series(1, 100000000)'), {
    code: 'QUERY_TOO_DEAR',
  });
});

test('the database refuses what the guard would let through', async () => {
  const wider = structuredClone(tool) as unknown as {
    binding: { query: { tables: { columns: string[] }[] } };
  };
  wider.binding.query.tables[0]?.columns.push('email');
  await assert.rejects(
    answer('select email from customers', wider as unknown as Tool),
    /permission denied/,
  );
});

test('a table that changed is not read', async () => {
  const own = await explorer({ ...QUERY, tables: { orders: ['id', 'status'] } });
  await site.grant(tool, own);
  await site.sql('ALTER TABLE orders ALTER COLUMN status TYPE varchar(20)');
  try {
    await assert.rejects(answer('select 1', { ...own, digest: 'another' }), {
      code: 'TOOL_DRIFTED',
    });
  } finally {
    await site.sql('ALTER TABLE orders ALTER COLUMN status TYPE text');
  }
});

for (const [why, tables] of Object.entries({
  'a system catalogue': { 'pg_catalog.pg_class': ['relname'] },
  'a table that is not there': { nowhere: ['id'] },
  'a column that is not there': { customers: ['id', 'nothing'] },
  'two of one name': { customers: ['id'], 'public.customers': ['name'] },
  'a table that the broker may not hand on': { audit_log: ['id'] },
}))
  test(`refused at the plan: ${why}`, async () => {
    await assert.rejects(explorer({ ...QUERY, tables }), { code: /^TOOL_/ });
  });
