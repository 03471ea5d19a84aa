import type { Socket } from 'node:net';
import pg from 'pg';
import { type Answer, Exchange, type Known, type Step } from './exchange.ts';
import { clientConfig, type Login, type Target } from './login.ts';
import type { History } from './trace.ts';

/** Bytes one exchange may bring; beyond it the session is dropped rather than held in memory. */
const MAX_BYTES = 32 * 1024 * 1024;

/** The target is behind a connection pooler: sessions, `VALID UNTIL` and termination would not mean what they say. */
export class PoolerFound extends Error {
  constructor() {
    super('a connection pooler answers in place of PostgreSQL');
    this.name = 'PoolerFound';
  }
}

/** One open session. Never shared by two exchanges at once; its loss is a state, not a crash. */
export class Session {
  readonly pid: number;
  readonly version: number;
  readonly known: Known;
  /** Which history its transactions belong to; null until asked. */
  history: History | null = null;
  readonly #client: pg.Client;
  #alive = true;
  #received = 0;
  #exchanges = 0;

  /** Throws what the server or network says; `PoolerFound` when the backend is not the one that greeted us. */
  static async open(target: Target, login: Login): Promise<Session> {
    const client = new pg.Client(clientConfig(target, login));
    // Without a listener a terminated backend would end this process.
    client.on('error', () => {});
    try {
      await client.connect();
      const known: Known = new Map();
      const exchange = new Exchange([{ statement: GREETING }], known, MAX_BYTES);
      client.query(exchange);
      const [pid, version] = (await exchange.done)[0]?.rows[0] ?? [];
      const greeted = (client as unknown as { processID: number }).processID;
      if (Number(pid) !== greeted) throw new PoolerFound();
      return new Session(client, known, Number(pid), Number(version));
    } catch (error) {
      void client.end().catch(() => {});
      throw error;
    }
  }

  private constructor(client: pg.Client, known: Known, pid: number, version: number) {
    this.#client = client;
    this.known = known;
    this.pid = pid;
    this.version = version;
    client.on('error', () => {
      this.#alive = false;
    });
    client.on('end', () => {
      this.#alive = false;
    });
    this.#stream().on('data', (chunk: Buffer) => {
      this.#received += chunk.length;
      if (this.#received > 2 * MAX_BYTES) this.destroy();
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** It idled before: the server may have ended it unnoticed. */
  get reused(): boolean {
    return this.#exchanges > 1;
  }

  /** Rejects with pg's DatabaseError when the server refused, with another error when the session was lost. */
  exchange(steps: readonly Step[]): Promise<Answer[]> {
    const exchange = new Exchange(steps, this.known, MAX_BYTES);
    this.#received = 0;
    this.#exchanges++;
    this.#client.query(exchange);
    return exchange.done;
  }

  /** Ends it politely; nothing must be under way. */
  end(): void {
    this.#alive = false;
    void this.#client.end().catch(() => {});
    this.#stream().destroySoon();
  }

  /** Drops the socket: what was not committed never will be. */
  destroy(): void {
    this.#alive = false;
    this.#stream().destroy();
  }

  /** Lets the process end while this session idles. */
  idle(isIdle: boolean): void {
    const stream = this.#stream();
    if (isIdle) stream.unref();
    else stream.ref();
  }

  #stream(): Socket {
    return (this.#client as unknown as { connection: { stream: Socket } }).connection.stream;
  }
}

const GREETING = {
  name: 'sbx_greeting',
  text: `SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version_num')`,
};
