/** The guard alone: what becomes of a query, and what is refused before the database hears of it. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { QueryTable } from './binding.ts';
import { expectedOf } from './query-cost.ts';
import { guardQuery, guardReady } from './query-guard.ts';

const TABLES: readonly QueryTable[] = [
  { name: 'customers', schema: 'public', relation: 'customers', columns: ['id', 'name', 'city'] },
  { name: 'orders', schema: 'sales', relation: 'orders', columns: ['id', 'customer_id'] },
];

before(() => guardReady);

function guarded(sql: string): string {
  return guardQuery(sql, TABLES, 11);
}

test('a query stands inside a statement that shows it the allowed columns only', () => {
  assert.equal(
    guarded('select * from customers c -- all of them'),
    `WITH "customers" AS NOT MATERIALIZED (SELECT "id", "name", "city" FROM "public"."customers")
SELECT * FROM (
select * from customers c -- all of them
) AS "sbx_query" LIMIT 11`,
  );
});

test('a schema before a table of the tool is taken away, and nothing else', () => {
  assert.match(
    guarded(`select 'sales.orders' from sales . /* x */ orders as o, public.customers;`),
    /\nselect 'sales.orders' from orders as o, customers\n\)/,
  );
});

test('what a WITH names is seen by what follows it in the same SELECT, and by nothing outside', () => {
  guarded('with x as (select 1 as a) select a from x');
  guarded('with x as (select 1 as a), y as (select a from x) select * from y, x');
  guarded('select * from (with x as (select 1 as a) select a from x) q');
  for (const sql of [
    'select * from pg_roles, (with pg_roles as (select 1) select 1) q',
    'select * from payroll, (with payroll as (select 1) select * from payroll) q',
    'with a as (select * from b), b as (select 1) select * from a',
    'select 1 from (with payroll as (select 1) select 1) q union select 1 from payroll',
  ])
    assert.throws(() => guarded(sql), { code: 'QUERY_REFUSED' }, sql);
});

for (const sql of [
  'select count(*), city from customers group by city having count(*) > 3 order by 1 desc limit 5',
  'select c.name, o.id from customers c left join orders o on o.customer_id = c.id',
  `select name, rank() over (partition by city order by name) from customers where name ilike 'a%'`,
  'select distinct on (city) city, name from customers order by city, name',
  'select * from customers where id in (select customer_id from orders) and city is not null',
  `select extract(year from now()), 'x'::text || name, case when id > 3 then 1 else 2 end from customers`,
  'select g, count(*) from generate_series(1, 12) g group by g',
  'values (1, 2), (3, 4)',
  'table customers',
  `select coalesce(name, 'none'), array[id, 2], row(id, name), (array[1,2])[1] from customers`,
  'select * from customers cross join lateral (select max(id) as most from orders where customer_id = customers.id) m',
])
  test(`passes: ${sql.slice(0, 60)}`, () => {
    guarded(sql);
  });

for (const sql of [
  'select 1; select 2',
  'delete from customers',
  'select * into t from customers',
  'select * from customers for update',
  'with x as (delete from customers returning *) select * from x',
  'with recursive x as (select 1 union all select 1 from x) select * from x',
  'select * from customers tablesample system (10)',
  `select * from customers where name operator(public.@#@) 'x'`,
  'select id from customers order by id using operator(public.<<<)',
  `select ('/etc/passwd').pg_read_file`,
  `select c.pg_sleep from customers c`,
  'select pg_sleep(1)',
  `select 'pg_authid'::regclass`,
  'select current_user',
  'select * from information_schema.tables',
  'select * from pg_catalog.pg_class',
  'select vault.leak(1)',
  'select $1',
  `select xmlelement(name x)`,
  `select json_object('a': 1)`,
  'select generate_series(1, id) from customers',
  'select 1 as pg_class',
  'select name::noted from customers',
  'select x.a::public.pair from (select 1 as a) x',
  `select 'a' collate public.mine`,
  '',
  'select 1 \0 from customers',
  `select '\ud800'`,
])
  test(`refused: ${JSON.stringify(sql).slice(0, 60)}`, () => {
    assert.throws(() => guarded(sql), { code: 'QUERY_REFUSED' });
  });

test('every field of a node is named: an unknown one is refused', () => {
  assert.throws(() => guarded(`select * from customers order by name using <`), /ORDER BY USING/);
});

test('a limit stops a scan and does not stop a sort', () => {
  const scan = { 'Node Type': 'Seq Scan', 'Plan Rows': 1_000_000, 'Total Cost': 10_000 };
  const limit = { 'Node Type': 'Limit', 'Plan Rows': 10, 'Total Cost': 1 };
  const sort = { 'Node Type': 'Sort', 'Plan Rows': 1_000_000, 'Total Cost': 1, Plans: [scan] };
  const told = (plan: unknown) => expectedOf(JSON.stringify([{ Plan: plan }]))?.rows;
  assert.equal(told({ ...limit, Plans: [scan] }), 10);
  assert.equal(told({ ...limit, Plans: [sort] }), 1_000_000);
  assert.equal(told({ ...limit, Plans: [{ 'Node Type': 'Sort' }] }), undefined);
  assert.equal(expectedOf('not a plan'), null);
});
