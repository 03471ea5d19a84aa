/** What a statement may say, judged by the real grammar and the live catalogue. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SignalboxError } from '../../domain/errors.ts';
import { bindingOf, type PostgresBinding } from './binding.ts';
import { openSite, type Site } from './testing/site.ts';

let site: Site;

before(async () => {
  site = await openSite();
  await site.sql(`
    CREATE TYPE public.mood AS ENUM ('good', 'bad');
    CREATE DOMAIN public.small AS int CHECK (VALUE < 100);
    CREATE EXTENSION citext;
    CREATE EXTENSION pg_trgm;
    CREATE TABLE public.notes (id serial PRIMARY KEY, mood public.mood, size public.small,
      tag public.citext, body text, meta jsonb, seen timestamptz DEFAULT now());
    CREATE TABLE public.backups (id int PRIMARY KEY, name text);
    CREATE TABLE public.parted (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
    CREATE TABLE public.parted_low PARTITION OF public.parted FOR VALUES FROM (0) TO (100);
    CREATE FUNCTION public.innocent(int) RETURNS int LANGUAGE plpgsql IMMUTABLE
      AS $$ BEGIN DELETE FROM public.customers; RETURN 1; END $$;
    CREATE FUNCTION public.lower(int) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$;
    CREATE FUNCTION public.plus(int, text) RETURNS int LANGUAGE sql AS $$ SELECT 1 $$;
    CREATE OPERATOR public.|+| (FUNCTION = public.plus, LEFTARG = int, RIGHTARG = text);
    CREATE VIEW public.fine AS SELECT c.id, upper(c.name) AS name,
      (SELECT count(*) FROM public.orders o WHERE o.customer_id = c.id) AS orders
      FROM public.customers c;
    CREATE VIEW public.finer AS SELECT id, name FROM public.fine;
    CREATE VIEW public.trap AS SELECT public.innocent(id) AS id FROM public.customers;
    CREATE VIEW public.deep_trap AS SELECT id FROM public.trap;
    CREATE VIEW public.roles AS SELECT rolname FROM pg_roles;
    CREATE VIEW public.reader AS SELECT id FROM public.customers;
    CREATE TABLE public.ruled (id int);
    CREATE RULE swap AS ON DELETE TO public.ruled DO INSTEAD DELETE FROM public.orders;
    CREATE FUNCTION public.purge() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN DELETE FROM public.orders; RETURN NEW; END $$;
    CREATE TABLE public.watched (id int PRIMARY KEY, v int);
    CREATE TRIGGER purge AFTER UPDATE ON public.watched FOR EACH ROW EXECUTE FUNCTION public.purge();
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
    CREATE FOREIGN TABLE public.far (id int) SERVER elsewhere;
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.notes, public.backups, public.parted, public.fine,
      public.finer, public.trap, public.deep_trap, public.roles, public.reader, public.ruled,
      public.watched, public.far TO signalbox_broker WITH GRANT OPTION;
    GRANT USAGE ON SEQUENCE public.notes_id_seq TO signalbox_broker WITH GRANT OPTION`);
  if (site.server.major >= 15)
    await site.sql('ALTER VIEW public.reader SET (security_invoker = true)');
});
after(() => site.stop());

const derived = async (sql: string, images?: string): Promise<PostgresBinding> =>
  bindingOf(await site.tool('t', sql, images === undefined ? {} : { binding: { images } }));

describe('accepted', () => {
  const accepted: [string, string][] = [
    ['select id, name from customers where id = :id', 'read'],
    ['select count(*) from public.customers', 'read'],
    [
      `select c.id, sum(o.amount_cents) filter (where o.status = 'paid') from customers c
       left join orders o on o.customer_id = c.id group by c.id having count(*) > :n order by 2`,
      'read',
    ],
    ['with big as (select * from orders where amount_cents > :n) select count(*) from big', 'read'],
    ['with recursive n(i) as (select 1 union all select i + 1 from n where i < 5) table n', 'read'],
    ['select to_jsonb(c) from customers c where lower(c.name) like :pattern', 'read'],
    ['select id, row_number() over (partition by plan order by id) from customers', 'read'],
    ["select * from generate_series(1, :n::int) as s(day), unnest('{a,b}'::text[])", 'read'],
    ['select id from customers where plan = any(:plans) limit :n offset 2', 'read'],
    ["select date_trunc('day', created_at)::date, now() - created_at from orders", 'read'],
    ["select meta ->> 'k', jsonb_build_object('a', body) from notes", 'read'],
    ['select tag = :tag, similarity(body, :like), mood::text from notes', 'read'],
    ['select id, name from finer where orders > 1'.replace(' where orders > 1', ''), 'read'],
    ['update customers set plan = :plan where id = :id', 'write'],
    ['insert into notes (mood, size, body) values (:mood, :size, :body) returning id', 'write'],
    [
      `insert into customers (id, name, email, city, plan) values (:id, :name, :email, :city, 'free')
       on conflict (email) do update set name = excluded.name`,
      'write',
    ],
    [
      `merge into customers c using (values (:id::int, :plan)) s(id, plan) on c.id = s.id
       when matched then update set plan = s.plan`,
      'write',
    ],
    ['delete from orders where id = :id', 'destroy'],
    ['with gone as (delete from orders where id = :id returning *) select id from gone', 'destroy'],
    [
      `merge into orders o using customers c on c.id = o.customer_id and c.plan = :plan
       when matched then delete`,
      'destroy',
    ],
    ['update parted set v = :v where id = :id', 'write'],
  ];
  for (const [sql, effect] of accepted)
    test(`${effect}: ${sql.slice(0, 70)}`, async () => {
      const tool = site.tool('t', sql);
      if (sql.startsWith('merge') && site.server.major < 15)
        return assert.rejects(tool, { code: 'TOOL_UNRESOLVED', message: /needs PostgreSQL 15/ });
      assert.equal((await tool).effect, effect);
    });
});

describe('refused', () => {
  const forbidden = [
    'truncate customers',
    'drop table customers',
    'create table x (id int)',
    "copy customers to '/tmp/x'",
    'do $$ begin delete from customers; end $$',
    'set role postgres',
    'call x()',
    'execute x',
    'listen x',
    'vacuum',
    'begin',
    'grant all on customers to public',
    'lock table customers',
    'explain analyze delete from customers',
    'select * into copied from customers',
    'select id from customers for update',
    'with c as (select id from customers for share) select id from c',
    "select query_to_xml('delete from customers', true, true, '')",
    "select set_config('role', 'postgres', false)",
    "select pg_read_file('/etc/passwd')",
    'select pg_sleep(10)',
    'select (10).pg_sleep',
    "select ('/etc/passwd').pg_read_file",
    'select pg_terminate_backend(1)',
    "select lo_import('/etc/passwd')",
    "select * from dblink('x', 'y') as t(a int)",
    "select nextval('notes_id_seq')",
    "select ts_rewrite('a'::tsquery, 'select 1')",
    "select * from ts_stat('select 1')",
    'select txid_current()',
    "select xpath('/a', '<a/>')",
    'select xmlelement(name a)',
    'select current_user',
    'select innocent(1)',
    'select lower(1)',
    "select 1 |+| 'x'",
    'select id from trap',
    'select id from deep_trap',
    'select rolname from roles',
    'select id from reader',
    'select id from far',
    'select rolname from pg_roles',
    'select * from pg_catalog.pg_authid',
    'select table_name from information_schema.tables',
    "select 'customers'::regclass",
    'select ctid from customers',
    'select id from customers tablesample system (1)',
    'with customers as (select 1) select * from customers',
    'with pg_class as (select 1) select * from pg_class',
    'delete from ruled where id = 1',
    'insert into fine (id) values (:id)',
    'select (select query_to_xml(name, true, true, name) from customers limit 1)',
    "update customers set notes = set_config('a', 'b', true) where id = 1",
    'select id from customers order by pg_sleep(1)',
    'insert into orders (customer_id) select pg_backend_pid()',
    'select count(*) filter (where pg_try_advisory_lock(id)) from customers',
  ];
  for (const sql of forbidden)
    test(sql.slice(0, 70), async () => {
      // a view with the rights of whoever reads it is of PostgreSQL 15
      if (sql === 'select id from reader' && site.server.major < 15) return;
      await assert.rejects(site.tool('t', sql), ({ code, message }: SignalboxError) => {
        assert.ok(code === 'TOOL_FORBIDDEN' || code === 'TOOL_UNRESOLVED', `${code} ${message}`);
        return true;
      });
    });

  for (const [sql, code, said] of [
    ['select id from nowhere', 'TOOL_UNRESOLVED', /no table or view `nowhere`/],
    ['select nothing from customers', 'TOOL_UNRESOLVED', /"nothing" does not exist/],
    ['select id from audit_log', 'TOOL_UNRESOLVED', /may not hand on SELECT \(id\)/],
    ['select id, id from customers', 'TOOL_STATEMENT', /two result columns/],
  ] as const)
    test(sql, async () => {
      await assert.rejects(site.tool('t', sql), (error: SignalboxError) => {
        assert.equal(error.code, code);
        assert.match(error.message, said);
        return true;
      });
    });

  test('parameters and input schema must be the same names', async () => {
    const draft = site.draft('t', 'select id from customers where id = :id');
    const more = { ...draft, inputSchema: { properties: { id: {}, limit: {} } } };
    await assert.rejects(site.inspector.derive(more, site.connection), /`limit`.* not use/);
    const less = { ...draft, inputSchema: { properties: {} } };
    await assert.rejects(site.inspector.derive(less, site.connection), /`:id`.* input schema/);
  });
});

describe('derived', () => {
  const rights = async (sql: string, images = 'none'): Promise<Record<string, unknown>> => {
    const { tables } = await derived(sql, images);
    return Object.fromEntries(
      tables.map(({ name, select, insert, update, delete: deletes, image }) => [
        name,
        { select, insert, update, deletes, image },
      ]),
    );
  };
  const none = { select: [], insert: [], update: [], deletes: false, image: [] };

  test('only the columns a statement looks at or writes', async () => {
    assert.deepEqual(await rights('select c.name from customers c where c.id = :id'), {
      customers: { ...none, select: ['id', 'name'] },
    });
    assert.deepEqual(await rights('update customers set plan = :plan where id = :id'), {
      customers: { ...none, select: ['id'], update: ['plan'] },
    });
    assert.deepEqual(
      await rights('insert into orders (customer_id, amount_cents) values (:c, :a)'),
      { orders: { ...none, insert: ['customer_id', 'amount_cents'] } },
    );
    assert.deepEqual(
      await rights(
        `insert into customers (id, email) values (:id, :e)
         on conflict (email) do update set email = excluded.email`,
      ),
      {
        customers: { ...none, select: ['email'], insert: ['id', 'email'], update: ['email'] },
      },
    );
    assert.deepEqual(await rights('select count(*) from orders'), {
      orders: { ...none, select: ['id'] },
    });
    assert.deepEqual(await rights('select name from fine'), {
      fine: { ...none, select: ['name'] },
    });
    assert.deepEqual(
      await rights('select o.id from orders o join customers c on c.id = o.customer_id'),
      {
        customers: { ...none, select: ['id'] },
        orders: { ...none, select: ['id', 'customer_id'] },
      },
    );
  });

  test('a row as a whole is every column of it', async () => {
    const { customers } = await rights('select to_jsonb(c) from customers c');
    assert.equal((customers as { select: string[] }).select.length, 8);
  });

  test('images are a right of their own: key, changed and looked-at columns, or the row', async () => {
    const sql = 'update customers set plan = :plan where city = :city';
    assert.deepEqual((await rights(sql, 'changed')).customers, {
      ...none,
      select: ['city'],
      update: ['plan'],
      image: ['id', 'plan', 'xmin'],
    });
    const row = (await rights(sql, 'row')).customers as { image: string[] };
    assert.equal(row.image.length, 8);
  });

  test('parameter and result types come from the server', async () => {
    const { parameters, columns } = await derived(
      'select id, created_at from customers where credit_cents > :c and plan = any(:plans)',
    );
    assert.deepEqual(parameters, [
      { name: 'c', type: 20 },
      { name: 'plans', type: 1009 },
    ]);
    assert.deepEqual(columns, [
      { name: 'id', type: 23 },
      { name: 'created_at', type: 1184 },
    ]);
  });

  test('cascades and triggers are told', async () => {
    const { derivation } = await site.tool('t', 'delete from customers where id = :id');
    assert.ok(derivation.some((line) => /deletes rows of public.orders by the cascade/.test(line)));
    assert.ok(derivation.some((line) => /`log_delete` on public.orders .*owner/.test(line)));
  });

  test('a trigger that deletes raises the class', async () => {
    const tool = await site.tool('t', 'update watched set v = :v where id = :id');
    assert.equal(tool.effect, 'destroy');
    assert.equal(tool.idempotent, false);
    assert.ok(tool.derivation.some((line) => line.startsWith('raised to destroy')));
  });

  test('a trigger that may act outside the transaction is warned about', async () => {
    await site.sql(`CREATE FUNCTION public.call_out() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN -- drop nothing
        EXECUTE 'SELECT dblink_exec(''other'', ''x'')'; RETURN NEW; END $$;
      CREATE TABLE public.calling (id int PRIMARY KEY);
      GRANT SELECT, UPDATE ON public.calling TO signalbox_broker WITH GRANT OPTION;
      CREATE TRIGGER call_out AFTER UPDATE ON public.calling EXECUTE FUNCTION public.call_out()`);
    const tool = await site.tool('t', 'update calling set id = :to where id = :from');
    assert.ok(
      tool.derivation.some((line) => /^warning: public.call_out may act outside/.test(line)),
    );
    assert.equal(tool.effect, 'write', 'a comment is no deed');
  });

  test('a write without WHERE is warned about', async () => {
    const { derivation } = await site.tool('t', 'delete from orders');
    assert.ok(derivation.some((line) => /^warning: DELETE without WHERE/.test(line)));
  });

  test('deleting backups removes a recovery path', async () => {
    assert.equal((await site.tool('t', 'delete from backups where id = :id')).recoveryPath, true);
    assert.equal((await site.tool('t', 'select name from backups')).recoveryPath, false);
  });

  for (const [sql, idempotent] of [
    ['select id from customers', true],
    ['update customers set plan = :p where id = :id', true],
    ['update customers set credit_cents = credit_cents + 1 where id = :id', false],
    ['update customers set created_at = now() where id = :id', false],
    ['insert into orders (customer_id) values (:c)', false],
    ['delete from orders where id = :id', false],
    ['delete from notes where id = :id', true],
    ['delete from notes where id in (select min(id) from notes)', false],
  ] as const)
    test(`${idempotent ? 'idempotent' : 'not idempotent'}: ${sql}`, async () => {
      assert.equal((await site.tool('t', sql)).idempotent, idempotent);
    });

  test('a serial column brings its sequence, an identity column nothing', async () => {
    const notes = await derived('insert into notes (body) values (:b)');
    assert.deepEqual(
      notes.sequences.map(({ name }) => name),
      ['notes_id_seq'],
    );
    assert.deepEqual((await derived('insert into orders (customer_id) values (:c)')).sequences, []);
  });

  test('the same statement derives the same binding, and nothing stays behind', async () => {
    const sql = 'delete from customers where plan = :plan';
    assert.deepEqual(await derived(sql), await derived(sql));
    const { rows } = await site.sql(`SELECT FROM pg_proc WHERE proname = 'sbx_statement'`);
    assert.equal(rows.length, 0);
  });

  test('the fingerprint moves with what the tool was judged by, and with nothing else', async () => {
    const sql = 'update backups set name = :name where id = :id';
    const first = await derived(sql);
    await site.sql('ALTER TABLE public.backups ADD COLUMN unrelated int');
    assert.equal((await derived(sql)).fingerprint, first.fingerprint);
    await site.sql(`CREATE TRIGGER log AFTER UPDATE ON public.backups
      FOR EACH ROW EXECUTE FUNCTION public.log_delete()`);
    const second = await derived(sql);
    assert.notEqual(second.fingerprint, first.fingerprint);
    await site.sql(`CREATE OR REPLACE FUNCTION public.log_delete() RETURNS trigger
      LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`);
    assert.notEqual((await derived(sql)).fingerprint, second.fingerprint);
  });

  test('a broker without TEMPORARY is told what it lacks', async () => {
    await site.sql('REVOKE TEMPORARY ON DATABASE acme FROM PUBLIC, signalbox_broker');
    try {
      await assert.rejects(site.tool('t', 'select 1 as one'), ({ code, help }: SignalboxError) => {
        assert.equal(code, 'TOOL_UNRESOLVED');
        assert.match(help, /GRANT TEMPORARY/);
        return true;
      });
      await site.sql('GRANT TEMPORARY ON DATABASE acme TO signalbox_broker');
      assert.equal((await site.tool('t', 'select 1 as one')).effect, 'read');
    } finally {
      await site.sql('GRANT TEMPORARY ON DATABASE acme TO PUBLIC');
    }
  });
});

describe('what a call touches, where tables carry labels', () => {
  const touched = async (sql: string): Promise<unknown> => {
    const { connection } = site;
    const labelled = { ...connection, settings: { ...connection.settings, tables: {} } };
    const { binding } = await site.inspector.derive(site.draft('t', sql), labelled);
    return binding.touches;
  };

  test('is said when somebody asks', async () => {
    const { binding } = await site.tool('t', 'select id from customers');
    assert.equal('touches' in binding, false);
    assert.deepEqual(await touched('select id from customers'), {
      tables: ['public.customers'],
      all: true,
    });
  });

  test('a cascade is followed, and behind a trigger lies anything', async () => {
    assert.deepEqual(await touched('delete from customers where id = :id'), {
      tables: ['public.customers', 'public.orders'],
      all: false,
    });
    assert.deepEqual(await touched('update orders set status = :s where id = :id'), {
      tables: ['public.orders'],
      all: true,
    });
  });
});
