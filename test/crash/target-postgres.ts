/**
 * A real, durable PostgreSQL whose tables show every effect: an INSERT leaves a row with its marker, an UPDATE adds one
 * to a slot that only one proposal may ever name. Nothing there is unique, so a second effect is not hidden by an error.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ADMIN_ROLE } from '../../examples/acme/admin-setup.ts';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import { type Hold, startWiretap } from './wiretap.ts';

export interface PostgresTarget {
  readonly host: string;
  /** By way of the wiretap. */
  readonly port: number;
  readonly database: string;
  readonly broker: { readonly user: string; readonly password: string };
  /** Effects by marker, of both kinds; slots are called `slot-<id>`. */
  effects(): Promise<Map<string, number>>;
  seen(marker: string): Promise<boolean>;
  /** Somebody else's transaction that holds the row of this slot, until let go. */
  holdSlot(slot: number): Promise<Hold>;
  /** Keeps the COMMIT of the transaction that carries this marker on the wire, until let go; then waits for its effect. */
  keepCommitOf(marker: string, struck: () => void): Hold;
  /** A minted login's session waits for a lock. */
  isWaiting(): Promise<boolean>;
  /** Logins that are not ours: everything that Signalbox minted and did not take back. */
  mintedLogins(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export const SLOTS = 20_000;

const SCHEMA = `
CREATE TABLE marks (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  marker text NOT NULL
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

const LANDING_MS = 250;
const OURS = ['postgres', 'signalbox_broker'];

export async function startPostgresTarget(): Promise<PostgresTarget> {
  const server = await startPostgres({ durable: true });
  const database = 'target';
  const password = randomBytes(18).toString('base64url');
  await server.createDatabase(database);
  await server.query(SCHEMA, [], database);
  await server.query(ADMIN_ROLE.replace(":'broker_password'", pg.escapeLiteral(password)));
  await server.query(GRANTS, [], database);
  const wire = await startWiretap(server.port);
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await server.query<Row>(sql, values, database)).rows;
  const times = async (marker: string): Promise<number> => {
    const slot = /^slot-(\d+)$/.exec(marker)?.[1];
    const [row] =
      slot === undefined
        ? await ask<{ n: number }>('SELECT count(*)::int AS n FROM marks WHERE marker = $1', [
            marker,
          ])
        : await ask<{ n: number }>('SELECT hits AS n FROM slots WHERE id = $1', [Number(slot)]);
    return row?.n ?? 0;
  };
  return {
    host: server.host,
    port: wire.port,
    database,
    broker: { user: 'signalbox_broker', password },
    async effects() {
      const rows = await ask<{ marker: string; n: number }>(
        `SELECT marker, count(*)::int AS n FROM marks GROUP BY marker
         UNION ALL SELECT 'slot-' || id, hits FROM slots WHERE hits > 0`,
      );
      return new Map(rows.map(({ marker, n }) => [marker, n]));
    },
    seen: async (marker) => (await times(marker)) > 0,
    holdSlot: (slot) => holdSlot(server, database, slot),
    keepCommitOf(marker, struck) {
      const kept = wire.keepCommitOf(marker, struck);
      return {
        async release() {
          const before = await times(marker);
          await kept.release();
          await landed(async () => (await times(marker)) > before);
        },
      };
    },
    async isWaiting() {
      const rows = await ask(
        `SELECT FROM pg_stat_activity
         WHERE usename <> ALL ($1) AND wait_event_type = 'Lock' LIMIT 1`,
        [OURS],
      );
      return rows.length > 0;
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
    async stop() {
      await wire.stop();
      await server.stop('immediate');
    },
  };
}

/** What was let go takes a moment. A COMMIT that the server refused after all never lands, and that is no fault here. */
async function landed(there: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + LANDING_MS;
  while (!(await there()) && performance.now() < until) await sleep(2);
}

async function holdSlot(server: AcmePostgres, database: string, slot: number): Promise<Hold> {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const client = new pg.Client(url.href);
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM slots WHERE id = $1 FOR UPDATE', [slot]);
  return {
    async release() {
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}
