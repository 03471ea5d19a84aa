/**
 * The target that is watched: a PostgreSQL that logs every statement and keeps the time of every commit, an HTTP server
 * and the notes of a stdio tool. All of it in other processes, each effect at the time that the target itself gives it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ADMIN_ROLE } from '../../examples/acme/admin-setup.ts';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import type { Seen } from './canary-http.ts';
import { StatementLog } from './statement-log.ts';

/** Something that happened at the target, by its own clock (milliseconds since the epoch). */
export interface Effect {
  readonly at: number;
  readonly who: Who;
  readonly by: 'statement' | 'commit' | 'http' | 'process';
  readonly what: string;
}

export type Who = 'victim' | 'other';

export interface Hold {
  release(): Promise<void>;
}

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

export interface Canary {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly broker: { readonly user: string; readonly password: string };
  readonly url: string;
  /** Where the stdio tool notes what it does. */
  readonly notes: string;
  /** Everything since then, once all logs have caught up. */
  effects(since: number): Promise<Effect[]>;
  /** Process ids that the victim's stdio tool noted since then, grandchildren included. */
  processes(since: number): Promise<number[]>;
  /** A transaction that holds the victim's row, until let go. */
  holdSlot(slot: number): Promise<Hold>;
  /** Sessions that wait for a lock. */
  waiting(): Promise<number>;
  hits(slot: number): Promise<number>;
  mintedLogins(): Promise<string[]>;
  isSuperuser(): Promise<boolean>;
  /** As the superuser. */
  query<Row extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<Row>>;
  stop(): Promise<void>;
}

/** Whoever comes from here is asked for no password: it stands for a thief who has it. */
export const THIEF = '127.0.0.2';
export const SLOTS = 4_000;
/** Of the log's reader, which shares the cores with what is timed; each line has its own time. */
const LOG_EVERY_MS = 100;

const SCHEMA = `
CREATE TABLE victim_rows (id int PRIMARY KEY, note text NOT NULL);
CREATE TABLE other_rows (id int PRIMARY KEY, note text NOT NULL);
INSERT INTO victim_rows SELECT n, 'row ' || n FROM generate_series(1, 100) n;
INSERT INTO other_rows SELECT n, 'row ' || n FROM generate_series(1, 100) n;
CREATE TABLE victim_marks (marker text PRIMARY KEY);
CREATE TABLE other_marks (marker text PRIMARY KEY);
CREATE TABLE victim_slots (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0);
INSERT INTO victim_slots SELECT generate_series(1, ${SLOTS});
ANALYZE;
`;

const GRANTS = `
GRANT CONNECT ON DATABASE target TO signalbox_broker WITH GRANT OPTION;
GRANT USAGE ON SCHEMA public TO signalbox_broker WITH GRANT OPTION;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO signalbox_broker WITH GRANT OPTION;
`;

const WATCHED = `
ALTER SYSTEM SET track_commit_timestamp = on;
ALTER SYSTEM SET log_min_duration_statement = 0;
ALTER SYSTEM SET log_line_prefix = '%n %u ';
ALTER SYSTEM SET max_connections = 200;
ALTER SYSTEM SET shared_buffers = '16MB';
`;

const OURS = ['postgres', 'signalbox_broker'];

const COMMITS = `
SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 * 1000 AS at, what, who FROM (
  SELECT xmin, 'mark ' || marker AS what, 'victim' AS who FROM victim_marks
  UNION ALL SELECT xmin, 'mark ' || marker, 'other' FROM other_marks
  UNION ALL SELECT xmin, 'slot ' || id, 'victim' FROM victim_slots WHERE hits > 0
) AS written`;

/** Before 16 this file knows no patterns; nobody else comes from there. */
function doorOf({ major }: AcmePostgres, database: string): string {
  return `host ${database} ${major >= 16 ? '"/^sbxrole_"' : 'all'} ${THIEF}/32 trust\n`;
}

export async function startCanary(folder: string): Promise<Canary> {
  const log = new StatementLog();
  const server = await startPostgres({ log: (line) => log.read(line), logEveryMs: LOG_EVERY_MS });
  const database = 'target';
  const password = randomBytes(18).toString('base64url');
  await server.createDatabase(database);
  await server.query(SCHEMA, [], database);
  await server.query(ADMIN_ROLE.replace(":'broker_password'", pg.escapeLiteral(password)));
  await server.query(GRANTS, [], database);
  for (const statement of WATCHED.trim().split('\n')) await server.query(statement);
  await appendFile(join(server.directory, 'pg_hba.conf'), doorOf(server, database));
  await server.restart();
  const http = fork(join(import.meta.dirname, 'canary-http.ts'));
  const [{ url }] = (await once(http, 'message')) as [{ url: string }];
  const notes = join(folder, 'stdio-notes');
  await writeFile(notes, '');
  const ask = async <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await server.query<Row>(sql, values, database)).rows;
  return {
    host: server.host,
    port: server.port,
    database,
    broker: { user: 'signalbox_broker', password },
    url,
    notes,
    async effects(since) {
      await caughtUp(server, log);
      const commits = await ask<{ at: number; what: string; who: Who }>(COMMITS);
      return [
        ...log.since(since),
        ...commits
          .filter(({ at }) => at >= since)
          .map((row) => ({ ...row, by: 'commit' as const })),
        ...(await seenBy(http, since)).map(ofRequest),
        ...(await notedIn(notes, since)).map(({ at, who, what }) => ({
          at,
          who,
          by: 'process' as const,
          what,
        })),
      ];
    },
    async processes(since) {
      const noted = await notedIn(notes, since);
      return [...new Set(noted.filter(({ who }) => who === 'victim').map(({ pid }) => pid))];
    },
    holdSlot: (slot) => holdSlot(server, database, slot),
    async waiting() {
      const [row] = await ask<{ n: number }>(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE usename <> ALL ($1) AND wait_event_type = 'Lock'`,
        [OURS],
      );
      return row?.n ?? 0;
    },
    async hits(slot) {
      const rows = await ask<{ hits: number }>('SELECT hits FROM victim_slots WHERE id = $1', [
        slot,
      ]);
      return rows[0]?.hits ?? 0;
    },
    async mintedLogins() {
      const rows = await ask<{ rolname: string }>(
        `SELECT rolname FROM pg_roles
         WHERE rolname LIKE 'sbxrole\\_%' AND (rolcanlogin OR EXISTS (
           SELECT FROM pg_stat_activity a WHERE a.usename = rolname))`,
      );
      return rows.map(({ rolname }) => rolname);
    },
    async isSuperuser() {
      const rows = await ask<{ rolsuper: boolean }>(
        "SELECT rolsuper FROM pg_roles WHERE rolname = 'signalbox_broker'",
      );
      return rows[0]?.rolsuper !== false;
    },
    query: (sql) => server.query(sql, [], database),
    async stop() {
      http.disconnect();
      await server.stop('immediate');
      await endLeft(notes);
    },
  };
}

const JUST_NOW_MS = 500;

/** Where the control that ends them is switched off some go on noting what they do, in a folder that is to be removed. */
async function endLeft(notes: string): Promise<void> {
  const noted = await notedIn(notes, Date.now() - JUST_NOW_MS);
  for (const pid of new Set(noted.map((one) => one.pid))) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
}

/** A statement of our own is looked for in the log: what came before it is there then. */
async function caughtUp(server: AcmePostgres, log: StatementLog): Promise<void> {
  const mark = `caught up ${randomBytes(6).toString('hex')}`;
  const there = log.wait(mark);
  await server.query(`SELECT '${mark}'`);
  await Promise.race([
    there,
    sleep(5_000).then(() => Promise.reject(new Error('the log of the canary stands still'))),
  ]);
}

async function seenBy(http: ChildProcess, since: number): Promise<readonly Seen[]> {
  const answer = once(http, 'message') as Promise<[{ seen: readonly Seen[] }]>;
  http.send({ since });
  return (await answer)[0].seen;
}

function ofRequest({ at, path }: Seen): Effect {
  return { at, who: path.startsWith('/victim') ? 'victim' : 'other', by: 'http', what: path };
}

interface Noted {
  readonly what: string;
  readonly who: Who;
  readonly pid: number;
  readonly at: number;
}

async function notedIn(file: string, since: number): Promise<Noted[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map((line) => {
      const [what = '', who = '', pid, at] = line.split(' ');
      return { what, who: who as Who, pid: Number(pid), at: Number(at) };
    })
    .filter(({ at }) => at >= since);
}

async function holdSlot(server: AcmePostgres, database: string, slot: number): Promise<Hold> {
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const client = new pg.Client(url.href);
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN');
  await client.query('SELECT FROM victim_slots WHERE id = $1 FOR UPDATE', [slot]);
  let held = true;
  return {
    async release() {
      if (!held) return;
      held = false;
      await client.query('ROLLBACK');
      await client.end();
    },
  };
}
