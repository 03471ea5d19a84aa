/** `enforce: function`: what the database itself refuses to a thief, and what a call still does, shows and measures. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import type { Tool } from '../../domain/bundle.ts';
import type { SignalboxError } from '../../domain/errors.ts';
import { bindingOf } from './binding.ts';
import { AGENT, openSite, type Site } from './testing/site.ts';
import { FUNCTION_SCHEMA, functionNames } from './tool-function.ts';

const ENFORCED = { binding: { enforce: 'function' } };

let site: Site;
let read: Tool;
let move: Tool;
let remove: Tool;

before(async () => {
  site = await openSite();
  read = await enforced('read', 'select id, name from customers where id = :id');
  move = await enforced('move', 'update customers set plan = :plan where id = :id');
  remove = await enforced('remove', 'delete from customers where id = :id');
  await site.grant(read, move, remove);
});
after(() => site.stop());

const enforced = (name: string, sql: string, more: Partial<Tool> = {}): Promise<Tool> =>
  site.tool(name, sql, { ...more, binding: { ...ENFORCED.binding, ...more.binding } });

const nameOf = (tool: Tool): string =>
  `${FUNCTION_SCHEMA}.${functionNames(site.connection, tool.digest).name}`;

describe('a call', () => {
  test('reads through the function', async () => {
    const { login } = await site.mint();
    const { result, measured } = await site.done(site.call(read, { id: 7 }, login));
    const { rows } = await site.sql('SELECT id, name FROM customers WHERE id = 7');
    assert.deepEqual(result.structured, { rows, rowCount: 1 });
    assert.equal(measured.effect.rowsRead, 1);
  });

  test('a read gives no more than its cap, held by the function itself', async () => {
    const all = await enforced('all', 'select id from customers order by id desc', {
      cap: { ...read.cap, rowsRead: 3 },
    });
    await site.grant(all);
    const { login } = await site.mint();
    const { result } = await site.done(site.call(all, {}, login));
    assert.deepEqual(result.structured, {
      rows: [{ id: 500 }, { id: 499 }, { id: 498 }],
      rowCount: 3,
    });
    const thief = await site.leaked(login);
    assert.equal((await thief.query(`SELECT * FROM ${nameOf(all)}()`)).rows.length, 4);
    await site.grant(read, move, remove);
  });

  test('writes, is measured with what its triggers did, and shows its rows', async () => {
    const { login } = await site.mint();
    const before = await site.sql('SELECT plan FROM customers WHERE id = 9');
    const { result, measured } = await site.done(
      site.call(move, { id: 9, plan: 'business' }, login),
    );
    assert.deepEqual(result.structured, { rows: [], rowCount: 1 });
    assert.deepEqual(measured.byTable, [
      { table: 'public.customers', inserted: 0, updated: 1, deleted: 0 },
    ]);
    const [image] = measured.images;
    // RETURNING old and new is of PostgreSQL 18, and a function holds one statement
    const shown = site.server.major >= 18;
    assert.equal(image?.before?.plan, shown ? before.rows[0].plan : undefined);
    assert.equal(image?.after?.plan, shown ? 'business' : undefined);
    assert.equal(measured.imagesComplete, shown);
  });

  test('a cascade and the trigger behind it are counted, and undone by a preview', async () => {
    const { login } = await site.mint();
    const orders = await site.sql('SELECT count(*)::int AS n FROM orders WHERE customer_id = 11');
    const { n } = orders.rows[0];
    const seen = await site.previewed(site.call(remove, { id: 11 }, login));
    assert.deepEqual(
      seen.byTable.map(({ table, inserted, deleted }) => [table, inserted, deleted]),
      [
        ['public.audit_log', 1 + n, 0],
        ['public.customers', 0, 1],
        ['public.orders', 0, n],
      ],
    );
    assert.equal(seen.imagesComplete, false, 'the cascade shows no rows');
    const still = await site.sql('SELECT FROM customers WHERE id = 11');
    assert.equal(still.rows.length, 1);
  });

  test('a returning of its own, and none, and a MERGE', async () => {
    const own = await enforced(
      'own',
      'update customers set plan = :plan where id = :id returning id, plan',
    );
    const none = await enforced('none', 'update customers set plan = :plan where id = :id', {
      binding: { images: 'none' },
    });
    await site.grant(own, none);
    const { login } = await site.mint();
    const first = await site.done(site.call(own, { id: 1, plan: 'team' }, login));
    assert.deepEqual(first.result.structured, { rows: [{ id: 1, plan: 'team' }], rowCount: 1 });
    assert.equal(first.measured.images.length, site.server.major >= 18 ? 1 : 0);
    const second = await site.done(site.call(none, { id: 1, plan: 'free' }, login));
    assert.deepEqual(second.result.structured, { rows: [], rowCount: 1 });
    assert.equal(second.measured.effect.rowsWritten, 1);
    assert.match(none.derivation.join('\n'), /not captured/);
    await site.grant(read, move, remove);
  });

  test('a MERGE, where the server can show that something was done', async () => {
    const merge = enforced(
      'merge',
      `merge into customers c using (select :id::int as id) s on c.id = s.id
       when matched then update set plan = 'team'`,
      { binding: { images: 'none' } },
    );
    const { major } = site.server;
    if (major < 17) {
      const [code, why] =
        major < 15
          ? ['TOOL_UNRESOLVED', /`MERGE` needs PostgreSQL 15 or newer, this server is 14/]
          : ['TOOL_FORBIDDEN', /before PostgreSQL 17 a MERGE returns no rows/];
      await assert.rejects(merge, { code, message: why });
      return;
    }
    await site.grant(await merge);
    const { login } = await site.mint();
    const { measured } = await site.done(site.call(await merge, { id: 1 }, login));
    assert.equal(measured.effect.rowsWritten, 1);
    await site.grant(read, move, remove);
  });
});

describe('a thief with the minted login', () => {
  let thief: pg.Client;
  before(async () => {
    await site.grant(read, move, remove);
    thief = await site.leaked((await site.mint()).login);
  });

  test('can do what the tools do', async () => {
    const { rows } = await thief.query(`SELECT * FROM ${nameOf(read)}(3)`);
    assert.equal(rows.length, 1);
  });

  for (const sql of [
    'SELECT id FROM customers WHERE id = 1',
    'SELECT name FROM customers',
    'SELECT count(*) FROM customers',
    `UPDATE customers SET plan = 'free' WHERE id = 1`,
    `UPDATE customers SET plan = 'free'`,
    'DELETE FROM customers WHERE id = 1',
    'SELECT FROM customers FOR UPDATE',
    'COPY customers (id) TO STDOUT',
    'TRUNCATE customers',
    `CREATE FUNCTION ${FUNCTION_SCHEMA}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    `CREATE TABLE ${FUNCTION_SCHEMA}.mine (id int)`,
    `DROP SCHEMA ${FUNCTION_SCHEMA} CASCADE`,
  ])
    test(`refused: ${sql}`, async () => {
      await assert.rejects(thief.query(sql), { code: '42501' });
    });

  test('cannot become the owner of a function, nor change or drop it', async () => {
    const { owner } = functionNames(site.connection, read.digest);
    const signature = `FUNCTION ${nameOf(read)}(int)`;
    for (const sql of [
      `SET ROLE "${owner}"`,
      `ALTER ${signature} SET search_path = pg_temp`,
      `ALTER ${signature} SECURITY INVOKER`,
      `GRANT EXECUTE ON ${signature} TO PUBLIC`,
      `DROP ${signature}`,
    ])
      await thief.query(sql).then(
        () => (sql.startsWith('GRANT') ? undefined : assert.fail(sql)),
        ({ code }: { code: string }) => assert.equal(code, '42501', sql),
      );
    const { rows } = await site.sql(
      `SELECT has_function_privilege('public', '${nameOf(read)}(int)', 'EXECUTE') AS open`,
    );
    assert.equal(rows[0].open, false);
  });

  test('things of its own in the way change nothing', async () => {
    await thief.query(`CREATE TEMP TABLE customers (id int, name text);
      INSERT INTO pg_temp.customers VALUES (3, 'mine');
      CREATE FUNCTION pg_temp.steal(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR pg_temp.= (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_temp.steal);
      SET search_path = pg_temp, public`);
    const { rows } = await thief.query(`SELECT * FROM ${nameOf(read)}(3)`);
    const real = await site.sql('SELECT id, name FROM customers WHERE id = 3');
    assert.deepEqual(rows, real.rows);
  });

  test('an operator in `public` that fits better is not taken', async () => {
    const crossed = await enforced('crossed', 'select id from orders where amount_cents = :a::int');
    await site.grant(crossed);
    const login = await site.leaked((await site.mint()).login);
    await site.sql(`CREATE FUNCTION public.always(bigint, int) RETURNS bool LANGUAGE sql AS 'SELECT true';
      CREATE OPERATOR public.= (LEFTARG = bigint, RIGHTARG = int, FUNCTION = public.always)`);
    const { rows } = await login.query(`SELECT * FROM ${nameOf(crossed)}(-1)`);
    await site.sql('DROP OPERATOR public.= (bigint, int); DROP FUNCTION public.always');
    assert.deepEqual(rows, []);
  });
});

describe('the function', () => {
  const owned = async (tool: Tool): Promise<unknown> =>
    (
      await site.sql(
        `SELECT pg_get_userbyid(p.proowner) AS owner, prosecdef, provolatile, proconfig
         FROM pg_proc p WHERE p.oid = '${nameOf(tool)}'::regproc`,
      )
    ).rows[0];

  test('is owned by a role that holds what the statement needs, and no other', async () => {
    await site.grant(read, move, remove);
    const { owner } = functionNames(site.connection, read.digest);
    assert.deepEqual(await owned(read), {
      owner,
      prosecdef: true,
      provolatile: 's',
      proconfig: ['search_path=pg_catalog, public, pg_temp'],
    });
    const { rows } = await site.sql(
      `SELECT c.relname || '.' || t.attname || ' ' || a.privilege_type AS line
       FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a
       WHERE a.grantee = '${owner}'::regrole ORDER BY 1`,
    );
    assert.deepEqual(
      rows.map(({ line }) => line),
      ['customers.id SELECT', 'customers.name SELECT'],
    );
    // images are shown by the function: the login has no column for them
    const image = bindingOf(move).tables.flatMap((table) => table.image);
    assert.deepEqual(image, site.server.major >= 18 ? ['plan', 'xmin'] : []);
    const held = await site.sql(
      `SELECT FROM pg_attribute t, aclexplode(t.attacl) a WHERE a.grantee = $1::regrole`,
      [site.admin.grantRole(AGENT, site.connection)],
    );
    assert.equal(held.rows.length, 0);
    const members = await site.sql(
      `SELECT to_jsonb(m) AS member FROM pg_auth_members m WHERE roleid = '${owner}'::regrole`,
    );
    // since 16 whoever made a role administers it; before that nobody is its member
    for (const { member } of members.rows)
      assert.deepEqual([member.inherit_option, member.set_option], [false, false]);
    if (site.server.major < 16) assert.equal(members.rows.length, 0);
  });

  test('stays the same when nothing changed, by any number of applies at once', async () => {
    const oid = async (): Promise<unknown> =>
      (await site.sql(`SELECT '${nameOf(move)}'::regproc::oid AS oid`)).rows[0];
    const was = await oid();
    await Promise.all(Array.from({ length: 4 }, () => site.grant(read, move, remove)));
    assert.deepEqual(await oid(), was);
  });

  test('goes with its tool, and its role with it; a login that lives loses it', async () => {
    await site.grant(read, move, remove);
    const login = await site.leaked((await site.mint()).login);
    const name = nameOf(move);
    await site.grant(read);
    await assert.rejects(login.query(`SELECT * FROM ${name}('free', 1)`), /42501|permission|exist/);
    const { rows } = await site.sql(
      `SELECT proname FROM pg_proc WHERE pronamespace = '${FUNCTION_SCHEMA}'::regnamespace`,
    );
    assert.deepEqual(
      rows.map(({ proname }) => `${FUNCTION_SCHEMA}.${proname}`),
      [nameOf(read)],
    );
    const roles = await site.sql(`SELECT FROM pg_roles WHERE rolname ~ '^sbx_owner_'`);
    assert.equal(roles.rows.length, 1);
  });

  test('one in use is closed at once and dropped later', async () => {
    await site.grant(read, move);
    const { login } = await site.mint();
    const flight = await site.begin(site.call(move, { id: 2, plan: 'team' }, login));
    await site.grant(read);
    const there = `SELECT '${nameOf(move)}'::regproc AS made`;
    assert.equal((await site.sql(there)).rows.length, 1);
    const thief = await site.leaked(login);
    await assert.rejects(thief.query(`SELECT * FROM ${nameOf(move)}('free', 1)`), {
      code: '42501',
    });
    await flight.finish();
    await site.grant(read);
    await assert.rejects(site.sql(there), { code: '42883' });
    const { rows } = await site.sql('SELECT plan FROM customers WHERE id = 2');
    assert.equal(rows[0].plan, 'team');
  });
});

describe('a changed function', () => {
  const name = (tool: Tool): string => nameOf(tool);
  const changes: readonly [string, (tool: Tool) => string][] = [
    [
      'its body',
      (tool) => `${replaced(tool)} BEGIN ATOMIC SELECT id, email FROM customers LIMIT 21; END`,
    ],
    ['its rights', (tool) => `ALTER FUNCTION ${name(tool)}(int) SECURITY INVOKER`],
    ['its search path', (tool) => `ALTER FUNCTION ${name(tool)}(int) RESET search_path`],
    ['its owner', (tool) => `ALTER FUNCTION ${name(tool)}(int) OWNER TO acme_owner`],
    ['its openness', (tool) => `GRANT EXECUTE ON FUNCTION ${name(tool)}(int) TO PUBLIC`],
    [
      'one more of its name',
      (tool) => `CREATE FUNCTION ${name(tool)}(text) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    ],
  ];
  const replaced = (tool: Tool): string =>
    `CREATE OR REPLACE FUNCTION ${name(tool)}(sbx_in_1 int) RETURNS TABLE (id int, name text) LANGUAGE sql STABLE
     SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp`;

  for (const [what, change] of changes)
    test(`${what}: no call, verify says so, an apply makes it anew`, async () => {
      await site.grant(read);
      await site.sql(change(read));
      const { login } = await site.mint();
      await assert.rejects(site.begin(site.call(read, { id: 1 }, login)), { code: 'TOOL_DRIFTED' });
      const said = await verified([read]);
      assert.match(
        said.beyond.join('\n'),
        /call the function of `read` as it was planned.*changed/,
      );
      await site.grant(read);
      await site.done(site.call(read, { id: 1 }, (await site.mint()).login));
    });

  test('a write looks again in every transaction, and knows its OID', async () => {
    await site.grant(move);
    const { login } = await site.mint();
    await site.done(site.call(move, { id: 4, plan: 'team' }, login));
    const made = (await site.sql(`SELECT pg_get_functiondef('${nameOf(move)}'::regproc) AS text`))
      .rows[0];
    const { owner } = functionNames(site.connection, move.digest);
    const grants = site.admin.grantRole(AGENT, site.connection);
    await site.sql(`DROP FUNCTION ${nameOf(move)}; ${made.text};
      REVOKE ALL ON FUNCTION ${nameOf(move)} FROM PUBLIC; GRANT CREATE ON SCHEMA signalbox TO "${owner}";
      ALTER FUNCTION ${nameOf(move)} OWNER TO "${owner}"; REVOKE CREATE ON SCHEMA signalbox FROM "${owner}";
      GRANT EXECUTE ON FUNCTION ${nameOf(move)} TO "${grants}"`);
    const again = site.call(move, { id: 4, plan: 'free' }, login);
    await assert.rejects(site.begin(again), { code: 'TOOL_DRIFTED' });
  });
});

async function verified(
  tools: readonly Tool[],
): Promise<{ readonly beyond: readonly string[]; readonly notes: readonly string[] }> {
  const { login } = await site.mint();
  const { verify } = site.inspector;
  if (verify === undefined) throw new Error('expected an inspector that verifies');
  return verify(site.connection, { agent: AGENT, tools }, login);
}

test('verify: the database binds the rows, and where only a statement does, that too', async () => {
  const plain = await site.tool('plain', 'select id from orders where id = :id');
  await site.grant(read, move, plain);
  const { beyond, notes } = await verified([read, move, plain]);
  assert.deepEqual(beyond, []);
  const said = notes.join('\n');
  assert.match(said, /rows of public.customers are bound by the database.*`read`, `move`/);
  assert.match(said, /rows of public.orders are bound by the statements of `plain` only/);
  if (site.server.major >= 18) assert.match(said, /the function of `move` shows plan.*it changes/);
});

describe('refused at the plan', () => {
  test('a broker without a schema of its own', async () => {
    await site.sql('ALTER SCHEMA signalbox OWNER TO acme_owner');
    try {
      await assert.rejects(
        enforced('late', 'select id from customers where id = :id'),
        ({ code, help }: SignalboxError) =>
          code === 'TOOL_UNRESOLVED' && /CREATE SCHEMA/.test(help ?? ''),
      );
    } finally {
      await site.sql('ALTER SCHEMA signalbox OWNER TO signalbox_broker');
    }
  });

  test('a statement that no function holds', async () => {
    await assert.rejects(enforced('none', 'select from customers where id = :id'), {
      code: 'TOOL_FORBIDDEN',
    });
  });

  test('what is not asked for changes nothing in a binding', async () => {
    const plain = await site.tool('plain', 'select id from customers where id = :id');
    assert.equal('function' in bindingOf(plain), false);
    assert.equal('enforce' in bindingOf(plain), false);
  });
});
