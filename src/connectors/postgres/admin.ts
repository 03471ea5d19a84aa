import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import type { SecretSource } from '../../domain/credential.ts';
import type { Clock, Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { handOnText, takeBackText } from './grants-direct.ts';
import { CATALOGUE_PATH, clientConfig, targetOf } from './login.ts';
import { grantRole } from './names.ts';

export type AdminClient = pg.PoolClient;

/**
 * The broker's own login at the target: mints, revokes, reads catalogues, asks for outcomes. Never used for a tool.
 * One per process, shared by connector, inspector and the issuer of roles.
 */
export interface PostgresAdmin {
  /** Lends a session of the broker's pool. Throws CREDENTIAL_FAILED when it cannot be opened. */
  with<T>(connection: Connection, use: (client: AdminClient) => Promise<T>): Promise<T>;
  server(connection: Connection): Promise<ServerFacts>;
  /** The role that holds what this agent's tools need there. */
  grantRole(agent: string, connection: Connection): string;
  /** Statements that give a login itself what that role holds, for servers before 16. */
  handOn(grants: string, login: string): string;
  /** Statements that take from such logins what they hold and own in this database. */
  takeBack(logins: readonly string[]): string;
  /** The broker's own role there. */
  brokerRole(connection: Connection): string;
  /** Really tries to log in, and leaves again. */
  tryLogin(connection: Connection, user: string, password: Password): Promise<LoginAnswer>;
  close(): Promise<void>;
}

export interface ServerFacts {
  /** `server_version_num`. */
  readonly version: number;
  /** How far the server's clock is ahead of ours. */
  readonly aheadMs: number;
}

/** Or who is asked for it when the server asks: until that is answered nothing is decided there. */
export type Password = string | (() => Promise<string>);

/** `refused`: by the server, because of who asks. `unclear`: nobody answered, or for another reason. */
export type LoginAnswer = 'accepted' | 'refused' | 'unclear';

const MAX_CLIENTS = 4;
/** Kept however idle: what ends logins must not begin by opening a session. */
const KEPT_CLIENTS = 2;
const IDLE_MS = 30_000;
const QUERY_TIMEOUT_MS = 15_000;
const MAX_TARGETS = 100;
/** SQLSTATEs that refuse a login itself: not permitted, or role or password wrong. */
const REFUSED = new Set(['28000', '28P01']);

export function createPostgresAdmin(
  secrets: SecretSource,
  { clock }: Pick<Doors, 'clock'>,
): PostgresAdmin {
  const pools = new Map<string, pg.Pool>();
  const facts = new WeakMap<pg.Pool, ServerFacts>();
  const checked = new WeakSet<pg.PoolClient>();

  function poolOf(connection: Connection): pg.Pool {
    const target = targetOf(connection);
    const key = JSON.stringify([target, connection.secret]);
    const known = pools.get(key);
    if (known !== undefined) return known;
    if (pools.size >= MAX_TARGETS)
      throw new SignalboxError('OVERLOADED', `more than ${MAX_TARGETS} databases at once`);
    const pool = newPool(connection, secrets);
    pools.set(key, pool);
    return pool;
  }

  async function borrow(connection: Connection): Promise<{ pool: pg.Pool; client: AdminClient }> {
    const pool = poolOf(connection);
    let client: AdminClient | undefined;
    try {
      client = await pool.connect();
      if (!checked.has(client)) {
        facts.set(pool, await greet(client, clock));
        checked.add(client);
      }
      return { pool, client };
    } catch (error) {
      client?.release(true);
      throw unusable(connection, error);
    }
  }

  return {
    async with(connection, use) {
      const { client } = await borrow(connection);
      let broken = true;
      try {
        const result = await use(client);
        broken = false;
        return result;
      } catch (error) {
        // A refused statement leaves the session sound unless a transaction is open.
        broken = !(error instanceof pg.DatabaseError) || !(await rolledBack(client));
        throw error;
      } finally {
        client.release(broken);
      }
    },
    async server(connection) {
      const known = facts.get(poolOf(connection));
      if (known !== undefined) return known;
      const { pool, client } = await borrow(connection);
      client.release();
      const found = facts.get(pool);
      if (found === undefined) throw unusable(connection, new Error('no greeting'));
      return found;
    },
    grantRole,
    handOn: handOnText,
    takeBack: takeBackText,
    brokerRole: (connection) => targetOf(connection).user,
    tryLogin,
    async close() {
      const open = [...pools.values()];
      pools.clear();
      await Promise.allSettled(open.map((pool) => pool.end()));
    },
  };
}

async function tryLogin(
  connection: Connection,
  user: string,
  password: Password,
): Promise<LoginAnswer> {
  const login = { user, password, label: 'signalbox verify', settings: {} };
  const client = new pg.Client(clientConfig(targetOf(connection), login));
  client.on('error', () => {});
  try {
    await client.connect();
    return 'accepted';
  } catch (error) {
    const refused = error instanceof pg.DatabaseError && REFUSED.has(error.code ?? '');
    return refused ? 'refused' : 'unclear';
  } finally {
    await client.end().catch(() => {});
  }
}

function newPool(connection: Connection, secrets: SecretSource): pg.Pool {
  const { secret } = connection;
  if (secret === undefined)
    throw new SignalboxError(
      'SECRET_MISSING',
      `connection \`${connection.name}\` names no secret for its login`,
    );
  const target = targetOf(connection);
  const pool = new pg.Pool({
    ...clientConfig(target, {
      user: target.user,
      password: () => secrets.reveal(secret),
      label: 'signalbox broker',
      settings: { search_path: CATALOGUE_PATH, timezone: 'UTC', datestyle: 'ISO' },
    }),
    max: MAX_CLIENTS,
    min: KEPT_CLIENTS,
    idleTimeoutMillis: IDLE_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    allowExitOnIdle: true,
  });
  // A terminated backend must not end this process, idle or lent.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

async function greet(client: AdminClient, clock: Clock): Promise<ServerFacts> {
  const { rows } = await client.query<{ pid: number; version: string; at: string }>(
    `SELECT pg_backend_pid() AS pid, current_setting('server_version_num') AS version,
            (extract(epoch FROM clock_timestamp()) * 1000)::text AS at`,
  );
  const [row] = rows;
  const greeted = (client as unknown as { processID: number }).processID;
  if (row?.pid !== greeted) throw poolerFound();
  return { version: Number(row.version), aheadMs: Math.round(Number(row.at) - clock.now()) };
}

async function rolledBack(client: AdminClient): Promise<boolean> {
  if (client.getTransactionStatus() === 'I') return true;
  return await client.query('ROLLBACK').then(
    () => true,
    () => false,
  );
}

function poolerFound(cause?: unknown): SignalboxError {
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    'expected PostgreSQL itself, found a connection pooler in front of it',
    {
      help: 'give the connection the address of the database itself: minted logins need it',
      cause,
    },
  );
}

/** A pooler may refuse settings that come with a login; PostgreSQL knows those that we send. */
const NO_SUCH_SETTING = '08P01';

function unusable(connection: Connection, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  const { code } = error as { code?: string };
  if (code === NO_SUCH_SETTING) return poolerFound(error);
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `the broker cannot log in at \`${connection.name}\` (${code ?? 'no answer'})`,
    { cause: error },
  );
}
