import type { Socket } from 'node:net';
import pg from 'pg';
import { SignalboxError } from '../../domain/errors.ts';
import type { PostgresAddress } from './address.ts';

/** A statement of ours: a constant text that the server prepares once for each session. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** How long one statement, its lock waits and the making of a connection may take, in milliseconds. */
export interface Patience {
  readonly connectMs: number;
  readonly queryMs: number;
  readonly lockMs: number;
  /** How long a transaction may wait for us between two statements; then the server ends the session. */
  readonly heldMs: number;
}

/**
 * A transaction whose replica fell silent in the midst of it (cut off, suspended) still holds the gate, and a halt waits for
 * that: for no longer than such a replica may serve on old knowledge.
 */
const HELD_MS = 1_000;

export const PATIENCE: Patience = {
  ...{ connectMs: 3_000, queryMs: 5_000, lockMs: 3_000 },
  heldMs: HELD_MS,
};

/** Of work that holds up no halt and serves nobody meanwhile: a machine with much else to do may take its time. */
export const UNHURRIED = { connectMs: 5_000, heldMs: 5 * 60_000 };

/** bigint as a number; what a number cannot hold is none that we wrote. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
    if (oid === pg.types.builtins.INT8 && format !== 'binary') return exact;
    return pg.types.getTypeParser(oid, format as 'text');
  },
};

function exact(text: string): number {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : -1;
}

/**
 * One connection. Statements are sent as they come and answered in order (`pipeline`). When one of them is not answered
 * in time the whole connection is given up: a half-open one would hang everything behind it.
 */
export class Session {
  readonly pid: number;
  /** What identifies this deployment's locks and notices among others on the same server. */
  readonly key: number;
  readonly #client: pg.Client;
  #lost: Error | null = null;
  #isGathering = false;

  private constructor(client: pg.Client, pid: number, key: number) {
    this.#client = client;
    this.pid = pid;
    this.key = key;
  }

  /** Throws SignalboxError `STORE_DOWN`. */
  static async open(
    address: PostgresAddress,
    { use, patience = PATIENCE, durable = true, replans = false }: SessionOptions,
  ): Promise<Session> {
    const client = new pg.Client({
      ...address.client,
      application_name: `signalbox ${use}`,
      connectionTimeoutMillis: patience.connectMs,
      query_timeout: patience.queryMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
      pipeline: true,
      types: types as pg.CustomTypesConfig,
    });
    let lost: Error | null = null;
    let tell: ((error: Error) => void) | null = null;
    client.on('error', (error) => {
      lost ??= error;
      tell?.(error);
    });
    try {
      await client.connect();
      const { pid, key } = await prepare(client, address, patience, { durable, replans });
      const session = new Session(client, pid, key);
      session.#lost = lost;
      tell = (error) => {
        session.#lost ??= error;
      };
      client.on('end', () => {
        session.#lost ??= new Error('the server closed the connection');
      });
      return session;
    } catch (error) {
      destroy(client);
      // why it broke, rather than that it is broken
      throw downBecause(error instanceof SignalboxError ? error : (lost ?? error));
    }
  }

  get isLost(): boolean {
    return this.#lost !== null;
  }

  async rows<R>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
    this.#gather();
    const result = await this.#client.query({ ...statement, values: [...values] });
    return result.rows as R[];
  }

  /** Number of rows changed. */
  async run(statement: Statement, values: readonly unknown[]): Promise<number> {
    this.#gather();
    const result = await this.#client.query({ ...statement, values: [...values] });
    return result.rowCount ?? 0;
  }

  /** Text without values, several statements at once if need be. The command that was last carried out comes back. */
  async say(sql: string): Promise<string> {
    this.#gather();
    const result: unknown = await this.#client.query(sql);
    const last = Array.isArray(result) ? result.at(-1) : result;
    return (last as { command?: string } | undefined)?.command ?? '';
  }

  /**
   * What one turn of the event loop says goes over in one piece: a write of its own for each costs more than the rest. On a
   * connection that is lost nothing is said: throws why it is.
   */
  #gather(): void {
    if (this.#lost !== null) throw this.#lost;
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { stream } = wireOf(this.#client);
    stream.cork();
    process.nextTick(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  onNotice(heard: (payload: string) => void): void {
    this.#client.on('notification', ({ payload }) => heard(payload ?? ''));
  }

  onLost(lost: () => void): void {
    this.#client.once('end', lost);
    this.#client.once('error', lost);
  }

  /** At once, whatever is under way. */
  destroy(): void {
    this.#lost ??= new Error('the connection was given up');
    destroy(this.#client);
  }

  async end(): Promise<void> {
    if (this.isLost) return this.destroy();
    this.#lost = new Error('the connection is closed');
    await this.#client.end().catch(() => {});
  }
}

export interface SessionOptions {
  /** Shown in `pg_stat_activity`. */
  readonly use: string;
  readonly patience?: Patience;
  /** False for what need not survive a crash of the server. */
  readonly durable?: boolean;
  /** True for statements whose best plan depends on what is asked; all others are planned once, which is half their price. */
  readonly replans?: boolean;
}

function destroy(client: pg.Client): void {
  client.on('error', () => {});
  // There is no other way out of a connection that does not answer.
  wireOf(client).stream.destroy();
}

/** The part of the driver's connection that its types leave out. */
function wireOf(client: pg.Client): { readonly stream: Socket } {
  return (client as unknown as { connection: { stream: Socket } }).connection;
}

async function prepare(
  client: pg.Client,
  { schema }: PostgresAddress,
  patience: Patience,
  { durable, replans }: { readonly durable: boolean; readonly replans: boolean },
): Promise<{ pid: number; key: number }> {
  const path =
    schema === undefined ? '' : `SET search_path = ${pg.escapeIdentifier(schema)}, pg_temp;`;
  await client.query(`${path}
    SET client_encoding = 'UTF8'; SET standard_conforming_strings = on;
    SET statement_timeout = ${patience.queryMs}; SET lock_timeout = ${patience.lockMs};
    SET idle_in_transaction_session_timeout = ${patience.heldMs};
    SET default_transaction_isolation = 'read committed';
    SET plan_cache_mode = ${replans ? 'auto' : 'force_generic_plan'};
    SELECT set_config('synchronous_commit', '${durable ? 'on' : 'off'}', false)
      WHERE ${durable ? `current_setting('synchronous_commit') IN ('off', 'local')` : 'true'};`);
  const { rows } = await client.query<Greeting>(
    `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS passive,
       current_setting('server_version_num')::int AS version,
       coalesce(to_regclass('control')::oid::int8, 0) AS key`,
  );
  const [greeting] = rows;
  if (greeting === undefined) throw new Error('the server said nothing');
  requireUsable(greeting, (client as unknown as { processID: number }).processID);
  // So that the server, too, notices a peer that is gone. Not every platform has these.
  await client
    .query(
      'SET tcp_user_timeout = 10000; SET tcp_keepalives_idle = 5; SET tcp_keepalives_count = 3',
    )
    .catch(() => {});
  return { pid: greeting.pid, key: Number(greeting.key) };
}

interface Greeting {
  readonly pid: number;
  readonly passive: boolean;
  readonly version: number;
  readonly key: number;
}

const OLDEST = 140_000;

function requireUsable({ pid, passive, version }: Greeting, announced: number): void {
  if (version < OLDEST)
    throw new SignalboxError(
      'STORE_DOWN',
      `PostgreSQL \`${Math.floor(version / 10_000)}\` is too old, expected 14 or newer`,
    );
  if (passive) throw new SignalboxError('STORE_DOWN', 'the server is a standby or read-only');
  // A pooler announces a number of its own: settings, locks and LISTEN would not stay with us.
  if (pid !== announced)
    throw new SignalboxError('STORE_DOWN', 'a connection pooler stands before the server', {
      help: 'give the address of the server itself (docs/guide/postgresql-store.md)',
    });
}

/** The server's five-letter code; null for what PostgreSQL did not say. */
export function stateOf(error: unknown): string | null {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object)
    ? code
    : null;
}

export function said(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown fault';
  return error.message === '' && 'code' in error ? String(error.code) : error.message;
}

export function downBecause(error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  return new SignalboxError('STORE_DOWN', `PostgreSQL: ${said(error)}`, { cause: error });
}
