/** Functions of the target itself: called when a tool lists them, classed by what they may do, pinned with what they call. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import { bindingOf } from './binding.ts';
import { AGENT, openSite, type Site } from './testing/site.ts';

let site: Site;

before(async () => {
  site = await openSite();
  for (const sql of [
    `CREATE FUNCTION tier_of(credit bigint) RETURNS text LANGUAGE sql IMMUTABLE
       BEGIN ATOMIC SELECT CASE WHEN credit > 2000 THEN 'gold' ELSE 'plain' END; END`,
    `CREATE FUNCTION label(t text) RETURNS text LANGUAGE plpgsql STABLE
       AS $$ BEGIN RETURN '<' || t || '>'; END $$`,
    `CREATE FUNCTION counted(int) RETURNS int LANGUAGE plpgsql VOLATILE SECURITY DEFINER
       AS $$ BEGIN UPDATE public.orders SET status = 'open' WHERE customer_id = $1; RETURN 1; END $$`,
    `CREATE FUNCTION purge(int) RETURNS int LANGUAGE plpgsql VOLATILE SECURITY DEFINER
       AS $$ BEGIN DELETE FROM public.orders WHERE id = $1; RETURN 1; END $$`,
    `CREATE FUNCTION hidden(int) RETURNS int LANGUAGE plpgsql STABLE SECURITY DEFINER
       AS $$ BEGIN RETURN public.purge($1); END $$`,
    `CREATE FUNCTION any_sql(text) RETURNS int LANGUAGE plpgsql VOLATILE SECURITY DEFINER
       AS $$ BEGIN EXECUTE $1; RETURN 1; END $$`,
    `CREATE FUNCTION fresh() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT random()::text'`,
    `CREATE AGGREGATE many(int) (SFUNC = int4pl, STYPE = int)`,
    'CREATE SCHEMA api',
    `CREATE FUNCTION api.closed(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'`,
    'REVOKE ALL ON FUNCTION api.closed FROM PUBLIC',
  ])
    await site.sql(sql);
});
after(() => site.stop());

const listed = (
  name: string,
  sql: string,
  functions: readonly string[],
  more: Partial<Tool> = {},
): Promise<Tool> =>
  site.tool(name, sql, { ...more, binding: { ...more.binding, functions: [...functions] } });

const TIER = 'select id, tier_of(credit_cents) as tier from customers where id = :id';

test('a function is refused until a tool lists it', async () => {
  await assert.rejects(site.tool('tier', TIER), { code: 'TOOL_FORBIDDEN', message: /functions/ });
  const tool = await listed('tier', TIER, ['public.tier_of(bigint)']);
  assert.equal(tool.effect, 'read');
  assert.match(
    tool.derivation.join('\n'),
    /calls public\.tier_of\(bigint\).*declared to change nothing/,
  );
  await site.grant(tool);
  const { login } = await site.mint();
  const { result } = await site.done(site.call(tool, { id: 3 }, login));
  const { rows } = await site.sql(
    `SELECT id, CASE WHEN credit_cents > 2000 THEN 'gold' ELSE 'plain' END AS tier FROM customers WHERE id = 3`,
  );
  assert.deepEqual(result.structured, { rows, rowCount: 1 });
});

test('another of the same name is another function', async () => {
  await site.sql(`CREATE FUNCTION tier_of(int) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$`);
  await assert.rejects(
    listed('other', 'select tier_of(id) as tier from customers where id = :id', [
      'public.tier_of(bigint)',
    ]),
    { code: 'TOOL_FORBIDDEN' },
  );
  await site.sql('DROP FUNCTION tier_of(int)');
});

test('a list that allows more than is called is refused', async () => {
  await assert.rejects(listed('tier', TIER, ['public.tier_of(bigint)', 'public.label(text)']), {
    code: 'TOOL_STATEMENT',
    message: /label/,
  });
});

for (const [what, written, code] of [
  ['that is not there', 'public.nowhere(integer)', 'TOOL_UNRESOLVED'],
  ['of PostgreSQL', 'pg_catalog.pg_read_file(text)', 'TOOL_FORBIDDEN'],
  ['that is an aggregate', 'public.many(integer)', 'TOOL_FORBIDDEN'],
  ['of a trigger', 'public.log_delete()', 'TOOL_FORBIDDEN'],
  ['that the broker may not hand on', 'api.closed(integer)', 'TOOL_UNRESOLVED'],
] as const)
  test(`refused: a function ${what}`, async () => {
    await assert.rejects(listed('one', 'select id from customers where id = :id', [written]), {
      code,
    });
  });

test('what it may do raises the class, whatever it is declared', async () => {
  const classes: [string, string, string][] = [
    ['counted', 'public.counted(integer)', 'write'],
    ['purge', 'public.purge(integer)', 'destroy'],
    // declared STABLE: it calls what is volatile
    ['hidden', 'public.hidden(integer)', 'destroy'],
  ];
  for (const [name, signature, effect] of classes) {
    const tool = await listed(name, `select ${name}(:id::int) as n`, [signature]);
    assert.equal(tool.effect, effect, name);
    assert.equal(bindingOf(tool).writes, true, name);
    assert.equal(tool.idempotent, false, name);
    assert.match(tool.derivation.join('\n'), /with the rights of postgres/);
  }
  const dynamic = await listed('any_sql', 'select any_sql(:q) as n', ['public.any_sql(text)']);
  assert.equal(dynamic.effect, 'destroy');
  assert.match(dynamic.derivation.join('\n'), /builds SQL as it runs/);
});

test('what it writes is measured before the commit', async () => {
  const tool = await listed('counted', 'select counted(:id::int) as n', [
    'public.counted(integer)',
  ]);
  await site.grant(tool);
  const { login } = await site.mint();
  const { rows } = await site.sql('SELECT count(*)::int AS n FROM orders WHERE customer_id = 8');
  const seen = await site.previewed(site.call(tool, { id: 8 }, login));
  assert.deepEqual(seen.byTable, [
    { table: 'public.orders', inserted: 0, updated: rows[0].n, deleted: 0 },
  ]);
  assert.equal(seen.imagesComplete, false);
});

test('a value that differs at every call is covered by no approval', async () => {
  const tool = await listed('mark', 'update customers set notes = fresh() where id = :id', [
    'public.fresh()',
  ]);
  assert.match(tool.derivation.join('\n'), /an approval does not cover the new values of notes/);
});

test('a closed function is granted, as long as a tool calls it', async () => {
  await site.sql(`GRANT USAGE ON SCHEMA api TO signalbox_broker WITH GRANT OPTION;
    GRANT EXECUTE ON FUNCTION api.closed(int) TO signalbox_broker WITH GRANT OPTION`);
  const tool = await listed('closed', 'select api.closed(:id::int) as n', ['api.closed(integer)']);
  await site.grant(tool);
  const may = async (): Promise<unknown> =>
    (
      await site.sql(`SELECT has_function_privilege($1, 'api.closed(int)', 'EXECUTE') AS may`, [
        site.admin.grantRole(AGENT, site.connection),
      ])
    ).rows[0].may;
  assert.equal(await may(), true);
  const { login } = await site.mint();
  const { result } = await site.done(site.call(tool, { id: 1 }, login));
  assert.deepEqual(result.structured, { rows: [{ n: 2 }], rowCount: 1 });
  await site.grant();
  await site.inspector.prepare(site.connection, [], [{ agent: AGENT, tools: [] }]);
  assert.equal(await may(), false);
});

test('with `enforce: function` its owner alone may call it', async () => {
  const tool = await listed('inner', 'select api.closed(:id::int) as n', ['api.closed(integer)'], {
    binding: { enforce: 'function' },
  });
  await site.grant(tool);
  const { login } = await site.mint();
  const { result } = await site.done(site.call(tool, { id: 4 }, login));
  assert.deepEqual(result.structured, { rows: [{ n: 5 }], rowCount: 1 });
  const thief = await site.leaked(login);
  await assert.rejects(thief.query('SELECT api.closed(1)'), { code: '42501' });
});

test('verify: a listed function with definer rights is needed, any other is beyond', async () => {
  const tool = await listed('counted', 'select counted(:id::int) as n', [
    'public.counted(integer)',
  ]);
  await site.grant(tool);
  const { login } = await site.mint();
  const said = await site.inspector.verify?.(
    site.connection,
    { agent: AGENT, tools: [tool] },
    login,
  );
  const beyond = said?.beyond.join('\n') ?? '';
  assert.match(beyond, /call purge\(integer\)|call public\.purge\(integer\)/);
  assert.doesNotMatch(beyond, /counted/);
});

for (const [what, change, undo] of [
  [
    'its body',
    `CREATE OR REPLACE FUNCTION label(t text) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN t; END $$`,
    '',
  ],
  ['its rights', 'ALTER FUNCTION label(text) SECURITY DEFINER', ''],
  ['its settings', 'ALTER FUNCTION label(text) SET work_mem = 64', ''],
  [
    'one more of its name, which may fit better',
    `CREATE FUNCTION label(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$`,
    'DROP FUNCTION label(varchar)',
  ],
] as const)
  test(`a change stops the tool until somebody plans again: ${what}`, async () => {
    const tool = await listed(
      'label',
      'select id, label(name) as l from customers where id = :id',
      ['public.label(text)'],
    );
    await site.grant(tool);
    await site.sql(change);
    const { login } = await site.mint();
    await assert.rejects(site.begin(site.call(tool, { id: 1 }, login)), { code: 'TOOL_DRIFTED' });
    if (undo !== '') await site.sql(undo);
  });

test('a change of a parsed body is seen too, and one of what it calls', async () => {
  const tier = await listed('tier', TIER, ['public.tier_of(bigint)']);
  const hidden = await listed('hidden', 'select hidden(:id::int) as n', ['public.hidden(integer)']);
  await site.grant(tier, hidden);
  await site.sql(`CREATE OR REPLACE FUNCTION tier_of(credit bigint) RETURNS text LANGUAGE sql IMMUTABLE
     BEGIN ATOMIC SELECT CASE WHEN credit > 1 THEN 'gold' ELSE 'plain' END; END`);
  await site.sql(`CREATE OR REPLACE FUNCTION purge(int) RETURNS int LANGUAGE plpgsql VOLATILE SECURITY DEFINER
     AS $$ BEGIN DELETE FROM public.orders; RETURN 1; END $$`);
  const { login } = await site.mint();
  for (const tool of [tier, hidden])
    await assert.rejects(site.begin(site.call(tool, { id: 1 }, login)), { code: 'TOOL_DRIFTED' });
});

test('one that was dropped and made anew is not the planned one', async () => {
  const tool = await listed('tier', TIER, ['public.tier_of(bigint)']);
  await site.sql(`DROP FUNCTION tier_of(bigint);
    CREATE FUNCTION tier_of(credit bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'gold' $$`);
  await assert.rejects(site.grant(tool), { code: 'TOOL_DRIFTED' });
});
