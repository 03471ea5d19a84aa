/** Reads at a real server, as the minted role. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Tool } from '../../domain/bundle.ts';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Credential } from '../../domain/credential.ts';
import { effectVector } from '../../domain/effect.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;
let login: Credential;
const tools: { [name: string]: Tool } = {};

const STATEMENTS = {
  one: 'select id, name, credit_cents, created_at from customers where id = :id',
  many: 'select id, notes from customers order by id',
  types: `select true as yes, 9007199254740993 as big, 12.50 as price, '{"a":[1]}'::jsonb as doc,
    array['a', null] as list, '\\x00ff'::bytea as raw, interval '1 day 2 hours' as span, null as nil`,
  echo: 'select :text::text as said, :list::int[] as numbers, :doc::jsonb as doc',
  wide: `select repeat(:text, 100000) as wide from generate_series(1, 400)`,
  divide: 'select 1 / :n::int as result',
};

before(async () => {
  site = await openSite();
  for (const [name, sql] of Object.entries(STATEMENTS)) tools[name] = await site.tool(name, sql);
  await site.grant(...Object.values(tools));
  ({ login } = await site.mint());
});
after(() => site.stop());

const tool = (name: keyof typeof STATEMENTS): Tool => {
  const found = tools[name];
  if (found === undefined) throw new Error(name);
  return found;
};

test('a read answers rows as JSON and measures them', async () => {
  const { measured, result } = await site.done(site.call(tool('one'), { id: 3 }, login));
  const row = {
    id: 3,
    name: 'Chidi Dufour',
    credit_cents: 3750,
    created_at: '2025-03-03T00:00:00Z',
  };
  assert.deepEqual(result.structured, { rows: [row], rowCount: 1 });
  assert.deepEqual(JSON.parse(result.text), result.structured);
  assert.deepEqual(result.cut, []);
  assert.deepEqual(measured.effect, effectVector({ calls: 1, rowsRead: 1 }));
});

test('rows are cut at the cap, and the cut is said', async () => {
  const { measured, result } = await site.done(site.call(tool('many'), {}, login));
  assert.equal((result.structured as { rows: unknown[] }).rows.length, 50);
  assert.match(result.cut.join(), /first 50 shown, there are more/);
  assert.equal(measured.effect.rowsRead, 50);
});

test('exactly as many rows as the cap are not cut', async () => {
  const cap = effectVector({ calls: 1, rowsRead: 500 });
  const all = { ...tool('many'), cap, maxResultBytes: 1_000_000 };
  const { result } = await site.done(site.call(all, {}, login));
  assert.deepEqual(result.cut, []);
  assert.equal((result.structured as { rowCount: number }).rowCount, 500);
});

test('bytes are cut at the limit, and the cut is said', async () => {
  const small = { ...tool('many'), maxResultBytes: 300 };
  const { result } = await site.done(site.call(small, {}, login));
  assert.ok(Buffer.byteLength(result.text) <= 300);
  assert.match(result.cut.join(), /exceed 300 bytes/);
});

test('a result larger than a session may hold ends the session, not the process', async () => {
  const huge = { ...tool('wide'), cap: effectVector({ calls: 1, rowsRead: 1_000 }) };
  await assert.rejects(
    site.begin(site.call(huge, { text: 'x' }, login)),
    (error: unknown) => error instanceof ConnectorFailure && error.effect === 'none',
  );
  const { result } = await site.done(site.call(tool('one'), { id: 3 }, login));
  assert.equal((result.structured as { rowCount: number }).rowCount, 1);
});

test('types keep their meaning in JSON', async () => {
  const { result } = await site.done(site.call(tool('types'), {}, login));
  assert.deepEqual((result.structured as { rows: unknown[] }).rows[0], {
    yes: true,
    big: '9007199254740993',
    price: 12.5,
    doc: { a: [1] },
    list: ['a', null],
    raw: '\\x00ff',
    span: 'P1DT2H',
    nil: null,
  });
});

test('arguments are values, whatever they look like', async () => {
  const text = `'; drop table customers; -- $1 :x \\`;
  const given = { text, list: [1, 2], doc: { a: `"'` } };
  const { result } = await site.done(site.call(tool('echo'), given, login));
  assert.deepEqual((result.structured as { rows: unknown[] }).rows, [
    { said: text, numbers: [1, 2], doc: { a: `"'` } },
  ]);
});

test('a refusal of the server is a fault without effect, and the session goes on', async () => {
  for (const [n, said] of [
    [0, /division by zero \(22012\)/],
    ['x', /invalid input syntax/],
  ] as const)
    await assert.rejects(site.begin(site.call(tool('divide'), { n }, login)), (error: unknown) => {
      assert.ok(error instanceof ConnectorFailure);
      assert.equal(error.code, 'CONNECTOR_REFUSED');
      assert.equal(error.effect, 'none');
      assert.match(error.message, said);
      return true;
    });
  const { result } = await site.done(site.call(tool('divide'), { n: 1 }, login));
  assert.match(result.text, /"result":1/);
});

test('fifty calls at once share four sessions', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, id) => site.done(site.call(tool('one'), { id: id + 1 }, login))),
  );
  assert.equal(new Set(answers.map(({ result }) => result.text)).size, 50);
  const { rows } = await site.sql(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%'`,
  );
  assert.ok(rows[0].n <= 4, `${rows[0].n} sessions`);
});

test('a session that the server ended unnoticed is replaced', async () => {
  await site.done(site.call(tool('one'), { id: 1 }, login));
  await site.sql(
    `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%'`,
  );
  const { result } = await site.done(site.call(tool('one'), { id: 1 }, login));
  assert.match(result.text, /"rowCount":1/);
});

test('a call without a login is refused', async () => {
  await assert.rejects(site.begin(site.call(tool('one'), { id: 1 }, null)), /no login/);
});

test('the end of a run ends its sessions', async () => {
  await site.done(site.call(tool('one'), { id: 1 }, login));
  await site.connector.release('run_1');
  const gone = async (): Promise<boolean> => {
    const { rows } = await site.sql(`SELECT FROM pg_stat_activity WHERE usename LIKE 'sbxrole_%'`);
    return rows.length === 0;
  };
  for (let tries = 0; !(await gone()); tries++) assert.ok(tries < 500, 'sessions stayed');
});

test('a tool whose table gained a trigger is refused until it is planned again', async () => {
  const changed = await site.tool('plan', 'select plan from customers where id = :id');
  await site.grant(...Object.values(tools), changed);
  await site.done(site.call(changed, { id: 1 }, login));
  await site.sql('ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY');
  try {
    const { login: later } = await site.mint();
    await assert.rejects(site.begin(site.call(changed, { id: 1 }, later)), (error: unknown) => {
      assert.ok(error instanceof ConnectorFailure);
      assert.equal(error.code, 'TOOL_DRIFTED');
      return true;
    });
  } finally {
    await site.sql('ALTER TABLE public.customers DISABLE ROW LEVEL SECURITY');
  }
});
