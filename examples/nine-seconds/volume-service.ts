/** The volume service as its owner sees it: a process of its own, with the token, the call log and the disk in view. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Call, Counters } from '../acme/volumes-calls.ts';
import { VOLUME } from '../acme/volumes-disk.ts';

export interface VolumeService {
  readonly url: string;
  /** The broad token: it may do everything. */
  readonly token: string;
  makeBackups(count: number): Promise<void>;
  /** Counted on the disk. */
  backups(): number;
  /** The service's own record of who asked for what since then. */
  log(sinceMs: number): Promise<{ calls: readonly Call[]; counters: Counters }>;
  stop(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('../acme/volumes.ts', import.meta.url));
const PATIENCE_MS = 20_000;

export async function startVolumeService(
  folder: string,
  databaseUrl: string,
): Promise<VolumeService> {
  fs.mkdirSync(folder, { mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  fs.writeFileSync(file('database-url'), `${databaseUrl}\n`, { mode: 0o600 });
  const child = spawn(
    process.execPath,
    [
      PROGRAM,
      '--exit-with-stdin',
      ...['--directory', file('disk')],
      ...['--token-file', file('token'), '--observer-token-file', file('observer')],
      ...['--database-url-file', file('database-url')],
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const url = await addressOf(child);
  const read = (name: string): string => fs.readFileSync(file(name), 'utf8').trim();
  const token = read('token');
  const observer = read('observer');
  return {
    url,
    token,
    async makeBackups(count) {
      for (let made = 0; made < count; made++)
        await ask(`${url}/volumes/${VOLUME}/backups`, token, 'POST');
    },
    backups: () => dumps(path.join(folder, 'disk', VOLUME, 'backups')),
    log: async (sinceMs) => {
      const answer = await ask(`${url}/calls?since=${sinceMs}`, observer, 'GET');
      return answer as { calls: Call[]; counters: Counters };
    },
    stop: () => stop(child),
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the volume service has no output');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, 'line', { signal: AbortSignal.timeout(PATIENCE_MS) }),
    once(child, 'exit').then(() => {
      throw new Error('the volume service ended at once; its reason stands above');
    }),
  ]);
  return String((JSON.parse(String(line)) as { url: string }).url);
}

async function ask(url: string, token: string, method: string): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!response.ok) throw new Error(`the volume service answered ${response.status} to ${method}`);
  return response.json();
}

function dumps(folder: string): number {
  if (!fs.existsSync(folder)) return 0;
  return fs.readdirSync(folder).filter((name) => name.endsWith('.ndjson.gz')).length;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  await exited;
}
