/**
 * Runs one PostgreSQL server under a small supervisor, so that none is ever left behind.
 *
 * The supervisor is a shell that waits for the server, and beside it for the end of a pipe whose
 * other end only this process holds. The system closes that pipe however this process ends
 * (return, signal, `kill -9`), so one mechanism covers all of them: the server is stopped at once
 * and its folder emptied. Both live in a session of their own: Ctrl-C in the terminal and a
 * `kill -9` of this process's group reach neither.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { serverEnvironment } from './postgres-binaries.ts';
import { type Home, serverPid } from './postgres-home.ts';

const SUPERVISOR = `
trash=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(
  read -r line <&3 && exit 0
  trap '' TERM
  # Again and again: a server that has only just been started does not listen to signals yet.
  while kill -QUIT "$server" 2>/dev/null; do sleep 0.05 || sleep 1; done
  exit 9
) &
watcher=$!
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
wait "$watcher"
[ $? -eq 9 ] && [ -n "$trash" ] && rm -rf "$trash"
exit "$code"
`;

export type StopMode = 'smart' | 'fast' | 'immediate';
const STOP_SIGNAL = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
const KEPT_LINES = 40;
const READ_FOR_MS = 3;

export interface ServerFolder {
  readonly home: Home;
  /** The private folder: `data/` and `pg_hba.conf` are in it. */
  readonly folder: string;
  /** Whether the supervisor removes the data when this process is gone. */
  readonly disposable: boolean;
  readonly durable: boolean;
  /** Then `server.cert` and `server.key` are in the folder. */
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly log: (line: string) => void;
  /** Zero: as it comes. */
  readonly logEveryMs: number;
}

export interface Server {
  readonly port: number;
  readonly pid: number;
  isRunning(): boolean;
  stop(mode: StopMode): Promise<void>;
  kill9(): Promise<void>;
}

/** Starts the server and waits until it accepts connections. Port 0 takes a free one. */
export async function startServer(where: ServerFolder, port: number): Promise<Server> {
  const until = Date.now() + START_LIMIT_MS;
  for (;;) {
    const wanted = port === 0 ? await freePort() : port;
    const attempt = new Attempt(where, wanted);
    const failure = await attempt.ready(until - Date.now());
    if (failure === undefined) return attempt;
    // A port can be taken between asking for it and using it; after a kill -9 the old server's
    // children need a moment to notice.
    const passing = /Address already in use|shared memory block .* still in use/.test(failure);
    if (!passing || Date.now() > until) {
      throw new Error(`PostgreSQL did not start in \`${where.folder}\`: ${failure}`);
    }
    await sleep(100);
  }
}

class Attempt implements Server {
  readonly port: number;
  pid = 0;
  readonly #where: ServerFolder;
  readonly #supervisor: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #isReady: Promise<void>;
  readonly #lines: string[] = [];
  #log: Interface | null = null;
  #pacing: NodeJS.Timeout | undefined;
  #running = true;

  constructor(where: ServerFolder, port: number) {
    this.port = port;
    this.#where = where;
    const command = [where.home.binaries.postgres, ...settings(where, port)];
    const trash = where.disposable ? where.folder : '';
    this.#supervisor = spawn('/bin/sh', ['-c', SUPERVISOR, 'acme-postgres', trash, ...command], {
      cwd: where.folder,
      detached: true,
      env: serverEnvironment(),
      stdio: ['pipe', 'ignore', 'pipe'],
      ...where.home.account,
    });
    this.#exited = new Promise((resolve) => {
      const end = (): void => {
        this.#running = false;
        resolve();
      };
      this.#supervisor.once('close', end);
      this.#supervisor.once('error', (error) => {
        this.#lines.push(error.message);
        end();
      });
    });
    this.#isReady = new Promise((resolve) => this.#readLog(resolve));
  }

  /** Undefined once the server accepts connections, else why it does not. */
  async ready(limitMs: number): Promise<string | undefined> {
    const limit = new AbortController();
    await Promise.race([
      this.#isReady,
      this.#exited,
      sleep(Math.max(limitMs, 0), undefined, { signal: limit.signal }).catch(() => {}),
    ]);
    limit.abort();
    const pid = this.#running ? serverPid(path.join(this.#where.folder, 'data')) : undefined;
    if (pid === undefined) {
      this.#supervisor.stdin?.destroy();
      return this.#lines.join('\n') || 'it said nothing';
    }
    this.pid = pid;
    this.#hold(false);
    this.#pace();
    return undefined;
  }

  isRunning(): boolean {
    return this.#running;
  }

  async stop(mode: StopMode): Promise<void> {
    for (const signal of [STOP_SIGNAL[mode], 'SIGQUIT'] as const) {
      if (await this.#ends(() => signalTo(this.pid, signal))) return;
    }
    await this.kill9();
  }

  async kill9(): Promise<void> {
    // A session that computes does not notice that its server is gone: it is killed as well.
    const sessions = childrenOf(this.pid);
    await this.#ends(() => {
      for (const pid of [this.pid, ...sessions]) signalTo(pid, 'SIGKILL');
    });
  }

  /** Whether the server ended within the limit after `act`. */
  async #ends(act: () => void): Promise<boolean> {
    if (!this.#running) return true;
    clearInterval(this.#pacing);
    this.#pacing = undefined;
    this.#log?.resume();
    this.#hold(true);
    // The supervisor has not waited for the server yet, so its number cannot be another's.
    act();
    const limit = new AbortController();
    const wait = sleep(STOP_LIMIT_MS, undefined, { signal: limit.signal }).catch(() => {});
    await Promise.race([this.#exited, wait]);
    limit.abort();
    return !this.#running;
  }

  #readLog(ready: () => void): void {
    const { stderr } = this.#supervisor;
    if (stderr === null) return;
    this.#log = createInterface({ input: stderr }).on('line', (line) => {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      if (line.includes('database system is ready to accept connections')) ready();
      this.#where.log(line);
    });
  }

  /** Reads what has gathered in the pipe, again and again, and nothing between. */
  #pace(): void {
    const { logEveryMs } = this.#where;
    const log = this.#log;
    if (logEveryMs === 0 || log === null) return;
    log.pause();
    this.#pacing = setInterval(() => {
      log.resume();
      setTimeout(() => this.#pacing !== undefined && log.pause(), READ_FOR_MS).unref();
    }, logEveryMs).unref();
  }

  /** A running server must not keep this process alive: whoever uses it has work of their own. */
  #hold(held: boolean): void {
    for (const part of [this.#supervisor, this.#supervisor.stdin, this.#supervisor.stderr]) {
      const handle = part as { ref?(): void; unref?(): void } | null;
      if (held) handle?.ref?.();
      else handle?.unref?.();
    }
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** From /proc where there is one: small images come without `ps`. */
function childrenOf(parent: number): number[] {
  const table = fs.existsSync('/proc/self/stat')
    ? fs
        .readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => `${pid} ${parentInProc(pid)}`)
    : execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n');
  return table
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, above]) => above === parent)
    .map(([pid]) => Number(pid));
}

function parentInProc(pid: string): string {
  try {
    // The second field is the program's name in brackets and may hold anything.
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
  } catch {
    return '';
  }
}

function settings(where: ServerFolder, port: number): string[] {
  const set: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    hba_file: path.join(where.folder, 'pg_hba.conf'),
    password_encryption: 'scram-sha-256',
    track_counts: 'on',
    max_connections: 200,
    shared_buffers: '64MB',
    max_wal_size: '256MB',
    // Neither asynchronous I/O workers nor compiled expressions pay on a database of this size.
    ...(where.home.major >= 18 ? { io_method: 'sync' } : {}),
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    log_checkpoints: 'off',
    // A failing CREATE ROLE must not print its password.
    log_min_error_statement: 'panic',
    logging_collector: 'off',
    log_destination: 'stderr',
    ...(where.tls === null
      ? {}
      : {
          ssl: 'on',
          ssl_cert_file: path.join(where.folder, 'server.cert'),
          ssl_key_file: path.join(where.folder, 'server.key'),
        }),
    ...(where.durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  };
  const flags = Object.entries(set).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', path.join(where.folder, 'data'), ...flags];
}
