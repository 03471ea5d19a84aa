/**
 * A real, durable PostgreSQL whose tables show every effect: an INSERT leaves a row with its marker, an UPDATE adds one
 * to a slot that only one proposal may ever name. Nothing there is unique, so a second effect is not hidden by an error.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { ADMIN_ROLE } from '../../examples/acme/admin-setup.ts';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';

export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly broker: { readonly user: string; readonly password: string };
  /** Effects by marker, of both kinds; slots are called `slot-<id>`. */
  effects(): Promise<Map<string, number>>;
  seen(marker: string): Promise<boolean>;
  /** Somebody else's transaction that keeps every COMMIT of a mark with this gate waiting, until let go. */
  holdGate(gate: number): Promise<Hold>;
  holdSlot(slot: number): Promise<Hold>;
  /** Sessions of minted logins that wait for a lock. */
  waiting(): Promise<number>;
  /** Logins that are not ours: everything that Signalbox minted and did not take back. */
  mintedLogins(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export interface Hold {
  release(): Promise<void>;
}

export const GATES = 4_000;
export const SLOTS = 20_000;

const SCHEMA = `
CREATE TABLE gates (id int PRIMARY KEY);
INSERT INTO gates SELECT generate_series(0, ${GATES});
CREATE TABLE marks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  marker text NOT NULL,
  gate int NOT NULL REFERENCES gates DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ON marks (marker);
CREATE TABLE slots (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0);
INSERT INTO slots SELECT generate_series(1, ${SLOTS});
ANALYZE;
`;

const GRANTS = `
GRANT CONNECT ON DATABASE target TO signalbox_broker WITH GRANT OPTION;
GRANT USAGE ON SCHEMA public TO signalbox_broker WITH GRANT OPTION;
GRANT SELECT, INSERT, UPDATE ON TABLE marks, slots TO signalbox_broker WITH GRANT OPTION;
`;

const OURS = ['postgres', 'signalbox_broker'];

export async function startPostgresTarget(): Promise<PostgresTarget> {
  const server = await startPostgres({ durable: true });
  const database = 'target';
  const password = randomBytes(18).toString('base64url');
  await server.createDatabase(database);
  await server.query(SCHEMA, [], database);
  await server.query(ADMIN_ROLE.replace(":'broker_password'", pg.escapeLiteral(password)));
  await server.query(GRANTS, [], database);
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await server.query<Row>(sql, values, database)).rows;
  return {
    host: server.host,
    port: server.port,
    database,
    broker: { user: 'signalbox_broker', password },
    async effects() {
      const rows = await ask<{ marker: string; n: number }>(
        `SELECT marker, count(*)::int AS n FROM marks GROUP BY marker
         UNION ALL SELECT 'slot-' || id, hits FROM slots WHERE hits > 0`,
      );
      return new Map(rows.map(({ marker, n }) => [marker, n]));
    },
    async seen(marker) {
      const slot = /^slot-(\d+)$/.exec(marker)?.[1];
      const rows =
        slot === undefined
          ? await ask('SELECT FROM marks WHERE marker = $1 LIMIT 1', [marker])
          : await ask('SELECT FROM slots WHERE id = $1 AND hits > 0', [Number(slot)]);
      return rows.length > 0;
    },
    holdGate: (gate) => hold(server, database, 'gates', gate),
    holdSlot: (slot) => hold(server, database, 'slots', slot),
    async waiting() {
      const [row] = await ask<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND usename <> ALL ($1)`,
        [OURS],
      );
      return row?.n ?? 0;
    },
    async mintedLogins() {
      const rows = await ask<{ rolname: string }>(
        `SELECT rolname FROM pg_roles
         WHERE rolname <> ALL ($1) AND rolname NOT LIKE 'pg\\_%' AND (rolcanlogin OR EXISTS (
           SELECT FROM pg_stat_activity a WHERE a.usename = rolname))`,
        [OURS],
      );
      return rows.map(({ rolname }) => rolname);
    },
    stop: () => server.stop('immediate'),
  };
}

async function hold(
  server: AcmePostgres,
  database: string,
  table: 'gates' | 'slots',
  id: number,
): Promise<Hold> {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const client = new pg.Client(url.href);
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT FROM ${table} WHERE id = $1 FOR UPDATE`, [id]);
  return {
    async release() {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}
