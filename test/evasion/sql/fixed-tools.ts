/** The fixed statements whose arguments are attacked, as an operator would write them. */
import { configOf, type FixedTool } from './fixed-config.ts';
import type { SqlTarget } from './target.ts';

export const FIXED_TOOLS: { readonly [name: string]: FixedTool } = {
  get_customer: {
    sql: 'select id, name, plan from customers where id = :id',
    inputs: { id: { type: 'integer' } },
  },
  // no type at all in the schema: the statement alone has to hold
  get_customer_by_text: {
    sql: 'select id, name from customers where id = :id::int',
    inputs: { id: { type: 'string' } },
  },
  customers_in: {
    sql: 'select id, name, city from customers where city = :city order by id limit 5',
    inputs: { city: { type: 'string' } },
  },
  customers_like: {
    sql: 'select id, name from customers where name ilike :pattern order by id limit 5',
    inputs: { pattern: { type: 'string' } },
  },
  customers_matching: {
    sql: 'select id, name from customers where name ~ :pattern order by id limit 5',
    inputs: { pattern: { type: 'string' } },
  },
  orders_of: {
    sql: 'select id, amount_cents from only orders where customer_id = any(:ids::int[]) order by id limit 20',
    inputs: { ids: { type: 'array', items: { type: 'integer' } } },
  },
  customers_in_any: {
    sql: 'select id, city from customers where city = any(:cities::text[]) order by id limit 5',
    inputs: { cities: { type: 'array', items: { type: 'string' } } },
  },
  by_filter: {
    sql: "select id, plan from customers where plan = :filter::jsonb->>'plan' order by id limit 5",
    inputs: {
      filter: { type: 'object', properties: { plan: { type: 'string', optional: true } } },
    },
  },
  newest: {
    sql: 'select id, name from customers order by id limit :n',
    inputs: { n: { type: 'integer' } },
  },
  since: {
    sql: 'select count(*)::int as total from only orders where created_at >= :at::timestamptz',
    inputs: { at: { type: 'string' } },
  },
  above: {
    sql: 'select id from only orders where amount_cents > :amount order by id limit 5',
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

/** `enforce`: what binds the rows of every tool. */
export function fixedConfig(
  { acme, server }: SqlTarget,
  agent: string,
  enforce: 'statement' | 'function' = 'statement',
): string {
  const { host, port } = server;
  const { database, broker } = acme;
  return configOf({
    ...{ agent, tools: FIXED_TOOLS, connection: 'acme-db' },
    at: `kind: postgres, environment: staging, host: ${host}, port: ${port}, database: ${database}, user: ${broker.user}, secret: acme-broker`,
    each: `enforce: ${enforce}`,
  });
}
