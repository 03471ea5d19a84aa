/** SQLite: the tools whose arguments are attacked, statements that must not become tools, and some that must. */
import type { JsonObject } from '../../../src/domain/json.ts';

export interface SqliteTool {
  readonly sql: string;
  readonly inputs: { readonly [name: string]: JsonObject };
  readonly writes?: true;
}

/** By the names of the argument cases. */
export const SQLITE_TOOLS: { readonly [name: string]: SqliteTool } = {
  get_customer: {
    sql: 'select id, name, plan from customers where id = :id',
    inputs: { id: { type: 'integer' } },
  },
  customers_in: {
    sql: 'select id, name, city from customers where city = :city order by id limit 5',
    inputs: { city: { type: 'string' } },
  },
  customers_like: {
    sql: 'select id, name from customers where name like :pattern order by id limit 5',
    inputs: { pattern: { type: 'string' } },
  },
  customers_matching: {
    sql: 'select id, name from customers where name glob :pattern order by id limit 5',
    inputs: { pattern: { type: 'string' } },
  },
  newest: {
    sql: 'select id, name from customers order by id limit max(:n, 0)',
    inputs: { n: { type: 'integer' } },
  },
  above: {
    sql: 'select id from orders where amount_cents > :amount order by id limit 5',
    inputs: { amount: { type: 'number' } },
  },
  set_plan: {
    sql: 'update customers set plan = :plan where id = 1',
    inputs: { plan: { type: 'string' } },
    writes: true,
  },
  add_order: {
    sql: 'insert into orders (customer_id, amount_cents, status) values (1, :amount, :status)',
    inputs: { amount: { type: 'integer' }, status: { type: 'string' } },
    writes: true,
  },
};

export const SQLITE_STATEMENTS: {
  readonly refused: readonly string[];
  readonly allowed: readonly string[];
} = {
  refused: [
    `attach database '/tmp/other.db' as other`,
    `attach ':memory:' as m`,
    'detach main',
    'pragma user_version = 7',
    'pragma journal_mode = delete',
    'pragma writable_schema = on',
    'pragma table_info(payroll)',
    `vacuum into '/tmp/copy.db'`,
    'vacuum',
    'reindex',
    'analyze',
    'begin',
    'commit',
    'savepoint s',
    'create table mine (id)',
    'create temp table mine (id)',
    'create view mine as select * from payroll',
    'create trigger mine after update on customers begin delete from payroll; end',
    'create index mine on customers (email)',
    'create virtual table mine using fts5(a)',
    'drop table payroll',
    'alter table customers add column x',
    `alter table customers rename to c`,
    'select name, sql from sqlite_master',
    'select name from sqlite_schema',
    'select name from sqlite_temp_schema',
    'select name from "main"."sqlite_master"',
    `select name from pragma_table_info('payroll')`,
    'select * from pragma_database_list',
    'select * from pragma_function_list',
    'select * from sqlite_dbpage',
    'select * from dbstat',
    'select * from sqlite_stmt',
    `select * from bytecode('select 1')`,
    `select * from tables_used('select 1')`,
    `select load_extension('/tmp/x')`,
    `select readfile('/etc/passwd')`,
    `select writefile('/tmp/x', 'y')`,
    `select edit('x')`,
    `select fts3_tokenizer('simple')`,
    `select sqlite_compileoption_get(1)`,
    'select sqlite_version()',
    'select sqlite_source_id()',
    `select sqlite_log(1, 'x')`,
    'select changes(), total_changes()',
    'select last_insert_rowid()',
    'select zeroblob(1000000000)',
    'select randomblob(1); select 2',
    'select 1; drop table payroll',
    'select 1 /* ; */ ; delete from payroll',
    'with recursive t(n) as (select 1 union all select n + 1 from t) select n from t',
    `update sqlite_master set sql = ''`,
    'delete from sqlite_sequence',
    `insert into sqlite_schema values ('table', 'x', 'x', 0, '')`,
    'explain select * from payroll',
    'explain query plan select * from payroll',
    'replace into sqlite_master (name) values (1)',
    `update emails set email = 'x'`,
    `insert into customers select *, load_extension('x') from payroll`,
    'select soundex(email) from customers',
    '',
    ';',
    '-- nothing',
    `select 'open`,
  ],
  allowed: [
    'select count(*) as n from customers',
    'select c.id, sum(o.amount_cents) as total from customers c join orders o on o.customer_id = c.id group by c.id',
    'with big as (select id from orders where amount_cents > 100) select id from big',
    'select id, row_number() over (order by id) as n from customers',
    `select json_extract('{"a":1}', '$.a') as a`,
    'select id from emails',
    "update orders set status = 'open' where id = 1",
    'delete from orders where id = 1',
    "insert into side_effects (what) values ('x')",
  ],
};
