/**
 * A disposable real PostgreSQL for the demo, the tests, the scenarios and the benchmarks.
 *
 *   fresh --startPostgres--> running --kill9--> crashed --restart--> running --stop--> stopped
 *
 * It listens on 127.0.0.1 only, asks for a random password, and is gone with the process that
 * started it, however that ends. Servers of one user are copies of one initialised cluster: they
 * share PostgreSQL's `system_identifier`, so tell them apart by their port.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import pg from 'pg';
import {
  copyTemplate,
  dropTemplate,
  giveTo,
  type Home,
  newPassword,
  openHome,
  openTemplate,
  ownFolder,
  SUPERUSER,
  sweep,
} from './postgres-home.ts';
import { type Server, type ServerFolder, type StopMode, startServer } from './postgres-process.ts';

export interface PostgresOptions {
  /**
   * False trades crash safety for speed (no fsync, data in memory where it fits): for tests, not
   * for measuring. Default true.
   */
  readonly durable?: boolean;
  /**
   * An absent or empty folder to use and keep, for a disk of your choice: the system's temporary
   * folder may be memory. Default: a private temporary folder, removed at the end.
   */
  readonly directory?: string;
  /** PEM: the server speaks TLS with this, and takes nobody but the superuser without it. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Receives the server's log, line by line. */
  readonly log?: (line: string) => void;
  /** How often the log is read; as it comes by default. Who wakes for every line takes from what is measured. */
  readonly logEveryMs?: number;
}

export interface AcmePostgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Its major version: 18. */
  readonly major: number;
  /** The superuser. */
  readonly user: string;
  readonly password: string;
  readonly database: 'postgres';
  readonly url: string;
  /** The server's folder; the cluster is in `data/` below it. */
  readonly directory: string;
  /** Runs one statement as the superuser, by default in database `postgres`. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    params?: readonly unknown[],
    database?: string,
  ): Promise<pg.QueryResult<Row>>;
  /** Creates a database, as a copy of `template` when one is named. */
  createDatabase(name: string, template?: string): Promise<void>;
  /** Ends the server and removes its folder. Safe to call twice. */
  stop(mode?: StopMode): Promise<void>;
  /** Ends the server as a crash does; `restart` recovers it. */
  kill9(): Promise<void>;
  /** Stops (fast) if it runs, and starts again on the same port with the same data. */
  restart(): Promise<void>;
}

/** @throws Error saying what to do when no binaries fit this machine or they cannot run. */
export async function startPostgres(options: PostgresOptions = {}): Promise<AcmePostgres> {
  const home = await openHome();
  for (const root of new Set([home.root, home.fastRoot])) await sweep(root);
  const folder = openFolder(home, options);
  const where: ServerFolder = {
    home,
    folder,
    disposable: options.directory === undefined,
    durable: options.durable ?? true,
    tls: options.tls ?? null,
    log: options.log ?? (() => {}),
    logEveryMs: options.logEveryMs ?? 0,
  };
  try {
    const { server, password } = await firstStart(where);
    return new Instance(where, server, password);
  } catch (error) {
    if (where.disposable) fs.rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function openFolder(home: Home, { directory, durable = true }: PostgresOptions): string {
  if (directory === undefined) {
    return ownFolder(durable ? home.root : home.fastRoot, 'run', home.account);
  }
  const folder = path.resolve(directory);
  fs.mkdirSync(folder, { recursive: true });
  if (fs.readdirSync(folder).length > 0) {
    throw new Error(
      `expected an absent or empty folder for PostgreSQL and found \`${folder}\` in use`,
    );
  }
  giveTo(folder, home.account);
  return folder;
}

async function firstStart(where: ServerFolder): Promise<{ server: Server; password: string }> {
  fs.writeFileSync(path.join(where.folder, 'pg_hba.conf'), admitted(where));
  for (const [file, text] of Object.entries(where.tls ?? {})) {
    const place = path.join(where.folder, `server.${file}`);
    fs.writeFileSync(place, text, { mode: 0o600 });
    giveTo(place, where.home.account);
  }
  for (;;) {
    const template = await openTemplate(where.home);
    const data = path.join(where.folder, 'data');
    try {
      await copyTemplate(where.home, template, data);
      const server = await startServer(where, 0);
      return { server, password: await changePassword(server, template.password, where.home) };
    } catch (error) {
      if (template.isNew) throw error;
      // A cleaner of temporary folders may have taken part of the template: make it anew, once.
      dropTemplate(where.home);
      fs.rmSync(data, { recursive: true, force: true });
    }
  }
}

function admitted({ tls }: ServerFolder): string {
  const from = '127.0.0.1/32 scram-sha-256\n';
  return tls === null
    ? `host all all ${from}`
    : `host all ${SUPERUSER} ${from}hostssl all all ${from}`;
}

async function changePassword(server: Server, known: string, { major }: Home): Promise<string> {
  const password = newPassword();
  const client = new pg.Client(connection(server.port, known, 'postgres'));
  await client.connect();
  try {
    // A random password needs no rounds against guessing, and every connection would pay for them.
    if (major >= 16) await client.query('SET scram_iterations = 1');
    await client.query(`ALTER ROLE ${SUPERUSER} PASSWORD ${pg.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
  return password;
}

function connection(port: number, password: string, database: string): pg.PoolConfig {
  return { host: '127.0.0.1', port, user: SUPERUSER, password, database };
}

class Instance implements AcmePostgres {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly major: number;
  readonly user = SUPERUSER;
  readonly password: string;
  readonly database = 'postgres';
  readonly url: string;
  readonly directory: string;
  readonly #where: ServerFolder;
  readonly #pools = new Map<string, pg.Pool>();
  #server: Server;
  #stopped = false;

  constructor(where: ServerFolder, server: Server, password: string) {
    this.#where = where;
    this.#server = server;
    this.port = server.port;
    this.major = where.home.major;
    this.password = password;
    this.directory = where.folder;
    this.url = `postgresql://${SUPERUSER}:${password}@127.0.0.1:${server.port}/postgres`;
  }

  async query<Row extends pg.QueryResultRow>(
    sql: string,
    params: readonly unknown[] = [],
    database: string = this.database,
  ): Promise<pg.QueryResult<Row>> {
    // Without parameters the simple protocol is used, which takes several statements at once.
    const pool = this.#pool(database);
    return params.length === 0 ? pool.query<Row>(sql) : pool.query<Row>(sql, [...params]);
  }

  async createDatabase(name: string, template?: string): Promise<void> {
    const from = template === undefined ? '' : ` TEMPLATE ${pg.escapeIdentifier(template)}`;
    // A database with sessions cannot be copied, and ours are idle.
    if (template !== undefined) await this.#closePool(template);
    await this.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}${from}`);
  }

  async stop(mode: StopMode = 'fast'): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#closePools();
    if (!this.#server.isRunning()) {
      // A crashed server left shared memory behind that only its next start gives back.
      this.#server = await startServer(this.#where, this.port);
    }
    await this.#server.stop(mode);
    if (this.#where.disposable) fs.rmSync(this.directory, { recursive: true, force: true });
  }

  async kill9(): Promise<void> {
    this.#expectUsable();
    await this.#server.kill9();
    await this.#closePools();
  }

  async restart(): Promise<void> {
    this.#expectUsable();
    await this.#closePools();
    if (this.#server.isRunning()) await this.#server.stop('fast');
    this.#server = await startServer(this.#where, this.port);
  }

  #expectUsable(): void {
    if (this.#stopped) throw new Error('this PostgreSQL was stopped: start another');
  }

  #pool(database: string): pg.Pool {
    this.#expectUsable();
    const known = this.#pools.get(database);
    if (known !== undefined) return known;
    const pool = new pg.Pool({
      ...connection(this.port, this.password, database),
      max: 2,
      idleTimeoutMillis: 2_000,
      allowExitOnIdle: true,
    });
    // A server that dies takes its idle connections along; the next query opens a new one.
    pool.on('error', () => {});
    this.#pools.set(database, pool);
    return pool;
  }

  async #closePool(database: string): Promise<void> {
    const pool = this.#pools.get(database);
    this.#pools.delete(database);
    await pool?.end();
  }

  async #closePools(): Promise<void> {
    await Promise.all([...this.#pools.keys()].map((database) => this.#closePool(database)));
  }
}
