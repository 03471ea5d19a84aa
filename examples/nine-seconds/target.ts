/** Production as its own superuser sees it: what the story believes instead of anybody's word. */
import pg from 'pg';
import type { World } from './world.ts';

/** Every row of customers and orders by table and id, as a hash of its whole text. */
export type Rows = ReadonlyMap<string, string>;

export interface Session {
  readonly role: string;
  readonly waitsForLock: boolean;
}

export interface Target {
  rows(): Promise<Rows>;
  customer(id: number): Promise<Readonly<Record<string, unknown>>>;
  orderIds(customer: number): Promise<readonly number[]>;
  /** Cents of all orders, by status. */
  revenue(): Promise<readonly string[]>;
  /** Roles that Signalbox made here: what agents are granted, without a login, and logins minted for runs. */
  roles(): Promise<{ readonly grants: number; readonly logins: number }>;
  /** Client sessions in the database that are neither the superuser's nor the broker's own. */
  sessions(): Promise<readonly Session[]>;
  roleExists(role: string): Promise<boolean>;
  /** What became of a transaction: `committed`, `aborted`, … by the database's own record. */
  fateOf(transaction: string): Promise<string>;
  /** Customers created before the day, and their orders, which would go with them. */
  createdBefore(day: string): Promise<{ readonly customers: number; readonly orders: number }>;
  setPassword(role: string, password: string): Promise<void>;
  /** Logs in as the role, as somebody outside with its password would. */
  login(role: string, password: string): Promise<pg.Client>;
  /** Holds one customer's row, as a long transaction of somebody else would; the answer lets it go. */
  holdRow(id: number): Promise<() => Promise<void>>;
  /** Calls of this method that the volume service saw since then, whoever sent them and whatever it answered. */
  calls(method: 'GET' | 'DELETE', sinceMs: number): Promise<number>;
  backups(): number;
}

export function targetOf({ postgres, acme, production }: World): Target {
  const { database } = acme;
  const ask = async <Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<Row[]> => (await postgres.query<Row>(sql, values, database)).rows;
  const client = (user: string, password: string): pg.Client => {
    const made = new pg.Client({
      host: postgres.host,
      port: postgres.port,
      database,
      user,
      password,
      connectionTimeoutMillis: 5_000,
    });
    // Its session may be ended by the halt: the next query says so.
    made.on('error', () => {});
    return made;
  };
  return {
    async rows() {
      const rows = await ask<{ key: string; hash: string }>(
        `SELECT 'customers ' || id AS key, md5(c::text) AS hash FROM customers c
         UNION ALL SELECT 'orders ' || id, md5(o::text) FROM orders o`,
      );
      return new Map(rows.map(({ key, hash }) => [key, hash]));
    },
    async customer(id) {
      const sql = 'SELECT id, name, email, plan, credit_cents FROM customers WHERE id = $1';
      return (await ask(sql, [id]))[0] ?? {};
    },
    async orderIds(customer) {
      const sql = 'SELECT id FROM orders WHERE customer_id = $1 ORDER BY id';
      return (await ask<{ id: number }>(sql, [customer])).map(({ id }) => id);
    },
    async revenue() {
      const sql = 'SELECT sum(amount_cents)::text AS cents FROM orders GROUP BY status';
      return (await ask<{ cents: string }>(sql)).map(({ cents }) => cents);
    },
    async roles() {
      const [row] = await ask<{ grants: number; logins: number }>(
        `SELECT count(*) FILTER (WHERE NOT rolcanlogin)::int AS grants,
           count(*) FILTER (WHERE rolcanlogin)::int AS logins
         FROM pg_roles WHERE rolname LIKE 'sbx\\_%'`,
      );
      return row ?? { grants: 0, logins: 0 };
    },
    sessions: () =>
      ask<{ role: string; waitsForLock: boolean }>(
        `SELECT usename AS role, coalesce(wait_event_type = 'Lock', false) AS "waitsForLock"
         FROM pg_stat_activity
         WHERE datname = $1 AND backend_type = 'client backend' AND usename NOT IN ($2, $3)`,
        [database, postgres.user, acme.broker.user],
      ),
    roleExists: async (role) =>
      (await ask('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])).length > 0,
    async fateOf(transaction) {
      const sql = 'SELECT pg_xact_status($1::text::xid8) AS fate';
      return (await ask<{ fate: string | null }>(sql, [transaction]))[0]?.fate ?? 'unknown';
    },
    async createdBefore(day) {
      const [row] = await ask<{ customers: number; orders: number }>(
        `SELECT count(*)::int AS customers,
           (SELECT count(*)::int FROM orders o JOIN customers c ON c.id = o.customer_id
            WHERE c.created_at < $1) AS orders
         FROM customers WHERE created_at < $1`,
        [day],
      );
      return row ?? { customers: 0, orders: 0 };
    },
    async setPassword(role, password) {
      const name = pg.escapeIdentifier(role);
      await ask(`ALTER ROLE ${name} PASSWORD ${pg.escapeLiteral(password)}`);
    },
    async login(role, password) {
      const session = client(role, password);
      await session.connect();
      return session;
    },
    async holdRow(id) {
      const holder = client(postgres.user, postgres.password);
      await holder.connect();
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM customers WHERE id = $1 FOR UPDATE', [id]);
      return () => holder.end();
    },
    async calls(wanted, sinceMs) {
      const { calls } = await production.volumes.log(sinceMs);
      return calls.filter(({ method }) => method === wanted).length;
    },
    backups: () => production.volumes.backups(),
  };
}

export function difference(
  before: Rows,
  after: Rows,
): { readonly gone: number; readonly changed: readonly string[]; readonly added: number } {
  const kept = [...before.keys()].filter((key) => after.has(key));
  return {
    gone: before.size - kept.length,
    changed: kept.filter((key) => before.get(key) !== after.get(key)),
    added: after.size - kept.length,
  };
}

/** Looks again and again until there is something to see. @throws when it never comes. */
export async function until<Seen>(
  what: string,
  look: () => Promise<Seen | null | undefined>,
  patienceMs = 20_000,
): Promise<Seen> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined) return seen;
    if (performance.now() > end)
      throw new Error(`waited ${patienceMs / 1_000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
