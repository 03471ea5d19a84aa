/** Planned statements on a real file, in real processes. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Connection, Tool } from '../../domain/bundle.ts';
import { type Call, type Flight, NO_SINK } from '../../domain/connector.ts';
import { effectVector } from '../../domain/effect.ts';
import type { JsonObject } from '../../domain/json.ts';
import { realDoors } from '../../doors.ts';
import { createSqliteConnector } from './connector.ts';
import { createSqliteInspector } from './inspector.ts';

const doors = realDoors();
const inspector = createSqliteInspector(doors);
const connector = createSqliteConnector(doors);
let folder: string;
let file: string;
let connection: Connection;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-sqlite-'));
});
after(async () => {
  await connector.close();
  await rm(folder, { recursive: true, force: true });
});

let made = 0;
beforeEach(() => {
  file = join(folder, `${++made}.db`);
  connection = {
    name: 'shop',
    kind: 'sqlite',
    environment: 'production',
    settings: { path: file },
  };
  aside(`
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, plan TEXT, secret TEXT, photo BLOB);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INT REFERENCES customers ON DELETE CASCADE, cents INT);
    CREATE TABLE log (what TEXT);
    CREATE TRIGGER logged AFTER DELETE ON orders BEGIN INSERT INTO log VALUES (old.id); END;
    INSERT INTO customers VALUES (1, 'Ana', 'free', 'canary', x'00ff'), (2, 'Ben', 'team', 'canary', NULL);
    INSERT INTO orders VALUES (1, 1, 500), (2, 1, 700), (3, 2, 9007199254740993);`);
});
afterEach(() => connector.release('run_1'));

function aside(sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}

function count(sql: string): number {
  const database = new DatabaseSync(file, { readOnly: true });
  const [value] = Object.values(database.prepare(sql).get() ?? {});
  database.close();
  return Number(value);
}

async function tool(sql: string, more: Partial<Tool> = {}): Promise<Tool> {
  const names = [...new Set([...sql.matchAll(/:([a-z_]+)/g)].map(([, name]) => name ?? ''))];
  const draft: Tool = {
    name: 'tool',
    description: 'tool',
    connection: 'shop',
    inputSchema: { properties: Object.fromEntries(names.map((name) => [name, {}])) },
    effect: 'read',
    reversibility: 'none',
    idempotent: false,
    recoveryPath: false,
    cap: effectVector({ calls: 1, rowsRead: 10, rowsWritten: 20, rowsDeleted: 20 }),
    maxResultBytes: 10_000,
    timeoutMs: 5_000,
    derivation: [],
    digest: sql,
    ...more,
    binding: { sql, ...more.binding },
  };
  return { ...draft, ...(await inspector.derive(draft, connection)) };
}

function call(of: Tool, given: JsonObject = {}, more: Partial<Call> = {}): Call {
  return {
    ...{ actionId: 'act_1', runId: 'run_1', tool: of, connection, arguments: given },
    ...{ continuation: null, credential: null, purpose: 'execute' },
    signal: new AbortController().signal,
    ...more,
  };
}

function begin(of: Tool, given: JsonObject = {}, more: Partial<Call> = {}): Promise<Flight> {
  return connector.begin(call(of, given, more), NO_SINK);
}

test('a read answers with its rows, within its caps', async () => {
  const find = await tool('select id, name, photo from customers where id >= :least order by id');
  assert.equal(find.effect, 'read');
  const flight = await begin(find, { least: 1 });
  assert.equal(flight.measured?.effect.rowsRead, 2);
  const { structured } = await flight.finish();
  assert.deepEqual(structured?.rows, [
    { id: 1, name: 'Ana', photo: '\\x00ff' },
    { id: 2, name: 'Ben', photo: null },
  ]);
});

test('what a double cannot hold stays a text; an argument is a value, whatever it says', async () => {
  const cents = await tool('select cents from orders where id = :id');
  assert.deepEqual((await (await begin(cents, { id: 3 })).finish()).structured?.rows, [
    { cents: '9007199254740993' },
  ]);
  for (const id of ['1 OR 1=1', `1'; DELETE FROM orders; --`, [1, 2], { id: 1 }, true, null])
    assert.ok((await (await begin(cents, { id })).finish()).structured);
  assert.equal(count('SELECT count(*) FROM orders'), 3);
});

test('a value that would fill the memory is refused by the database', async () => {
  const wide = await tool(`select length(printf('%*d', :width, 1)) as n`);
  const n = async (width: number) =>
    (await (await begin(wide, { width })).finish()).structured?.rows;
  assert.deepEqual(await n(1_000), [{ n: 1_000 }]);
  await assert.rejects(async () => n(900_000_000), /too big/);
});

test('a write is measured before it is committed, cascades and triggers included', async () => {
  const drop = await tool('delete from customers where id = :id');
  assert.equal(drop.effect, 'destroy');
  assert.ok(drop.derivation.includes('deletes from orders'));
  assert.ok(drop.derivation.some((line) => line.includes('trigger `logged` runs')));
  const flight = await begin(drop, { id: 1 });
  assert.equal(count('SELECT count(*) FROM customers'), 2, 'not committed yet');
  // the log has no primary key: two rows that the session does not account for
  assert.equal(flight.measured?.effect.rowsDeleted, 5);
  assert.equal(flight.measured?.imagesComplete, false);
  assert.deepEqual(
    flight.measured?.byTable.map(({ table, deleted }) => [table, deleted]),
    [
      ['customers', 1],
      ['orders', 2],
    ],
  );
  await flight.finish();
  assert.equal(count('SELECT count(*) FROM customers'), 1);
  assert.equal(count('SELECT count(*) FROM log'), 2);
});

test('an update shows the row before and after, and what it does not name stays hidden', async () => {
  const set = await tool('update customers set plan = :plan where id = :id');
  assert.equal(set.effect, 'write');
  const flight = await begin(set, { id: 1, plan: 'team' });
  assert.deepEqual(flight.measured?.images, [
    { table: 'customers', before: { id: 1, plan: 'free' }, after: { id: 1, plan: 'team' } },
  ]);
  assert.equal(flight.measured?.imagesComplete, true);
  await flight.cancel();
  assert.equal(count(`SELECT count(*) FROM customers WHERE plan = 'team'`), 1);
});

test('a preview is taken back and binds an approval to the rows', async () => {
  const set = await tool('update customers set plan = :plan where id = :id');
  const look = async (): Promise<string | undefined> => {
    const flight = await begin(set, { id: 1, plan: 'team' }, { purpose: 'preview' });
    await flight.cancel();
    return flight.measured?.preState;
  };
  const first = await look();
  assert.equal(await look(), first);
  aside(`UPDATE customers SET plan = 'other' WHERE id = 1`);
  assert.notEqual(await look(), first);
});

test('SQLite itself refuses what was not planned', async () => {
  const find = await tool('select id, name from customers where id = :id');
  const tampered = structuredClone(find) as unknown as { binding: { statement: string } };
  for (const statement of [
    'select id, secret as name from customers where id = :id',
    'select id, cents as name from orders where id = :id',
    'delete from customers where id = :id returning id, name',
    'select id, sql as name from sqlite_schema, customers where id = :id',
  ]) {
    tampered.binding.statement = statement;
    await assert.rejects(
      begin(tampered as unknown as Tool, { id: 1 }),
      /not authorized|prohibited|readonly/,
    );
  }
});

test('a table or trigger that changed since the plan is noticed', async () => {
  const set = await tool('update customers set plan = :plan where id = :id');
  aside('CREATE TRIGGER sly AFTER UPDATE ON customers BEGIN DELETE FROM orders; END');
  await assert.rejects(begin(set, { id: 1, plan: 'x' }), { code: 'TOOL_DRIFTED' });
  assert.equal(count('SELECT count(*) FROM orders'), 3);
});

test('a statement without end is ended, and the gateway answers meanwhile', async () => {
  const slow = await tool(
    'select count(*) as n from orders a, orders b, orders c, orders d where a.cents + b.cents > :n',
    { timeoutMs: 300 },
  );
  aside(`WITH RECURSIVE r(n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM r WHERE n < 2000)
         INSERT INTO orders SELECT n, 2, n FROM r`);
  let beats = 0;
  const beating = setInterval(() => beats++, 10);
  await assert.rejects(begin(slow, { n: 1 }), { code: 'CONNECTOR_TIMEOUT' });
  clearInterval(beating);
  assert.ok(beats > 5, `${beats} beats`);
});

test('an abort kills the process of an open write, and SQLite rolls back', async () => {
  const set = await tool('update customers set plan = :plan where id = :id');
  const halt = new AbortController();
  const flight = await begin(set, { id: 1, plan: 'gone' }, { signal: halt.signal });
  halt.abort(new Error('halted'));
  await assert.rejects(flight.finish());
  const next = await begin(set, { id: 2, plan: 'next' });
  await next.finish();
  assert.equal(count(`SELECT count(*) FROM customers WHERE plan = 'gone'`), 0);
});

test('after a lost commit nobody can be asked, and that is said', async () => {
  const set = await tool('update customers set plan = :plan where id = :id');
  const query = { actionId: 'act_1', tool: set, connection };
  assert.equal(await connector.probe({ ...query, trace: null }), 'failed');
  assert.equal(await connector.probe({ ...query, trace: { file } }), 'unknown');
});

for (const sql of [
  'select 1; delete from orders',
  'drop table orders',
  'create table mine (id int)',
  `attach '/tmp/other.db' as other`,
  'pragma writable_schema = on',
  'select * from pragma_table_info(:name)',
  'select sql from sqlite_schema',
  'select * from sqlite_master',
  `select load_extension('x')`,
  'select * from dbstat',
  'vacuum',
  'begin',
  'savepoint s',
  'analyze',
  'with recursive r(n) as (select 1 union all select n + 1 from r) select n from r',
  'select ?',
  'select @name',
  'select nothing from customers',
  `select 'open`,
  'select 1 as a, 2 as a',
  '-- nothing',
])
  test(`refused at the plan: ${sql.slice(0, 50)}`, async () => {
    await assert.rejects(tool(sql), { code: /^TOOL_/ });
  });

test('a file that is not there is not made', async () => {
  const path = join(folder, 'nowhere.db');
  const elsewhere = { ...connection, settings: { path } };
  const find = await tool('select id from customers');
  await assert.rejects(inspector.derive(find, elsewhere), { code: 'CONNECTOR_UNREACHABLE' });
  await assert.rejects(begin(find, {}, { connection: elsewhere }), {
    code: 'CONNECTOR_UNREACHABLE',
  });
});
