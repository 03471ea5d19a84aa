/** A Signalbox of its own for one evaluation, driven by its commands and its operators' API as a user would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../../../src/domain/json.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/signalbox.js', import.meta.url));

export interface House {
  readonly folder: string;
  /** One command with `--json`; the object it printed, and its exit code. */
  run(args: readonly string[], more?: Running): Promise<{ code: number; json: JsonObject }>;
  api(method: string, path: string, body?: JsonObject): Promise<JsonObject>;
  close(): Promise<void>;
}

interface Running {
  readonly stdin?: string;
  readonly env?: { readonly [name: string]: string };
}

export async function openHouse(): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-eval-'));
  const env = { ...process.env, SIGNALBOX_HOME: join(folder, 'home') };
  const up = spawn(
    process.execPath,
    [
      PROGRAM,
      'up',
      '--json',
      '--data-dir',
      join(folder, 'data'),
      '--agents-port',
      '0',
      '--operators-port',
      '0',
    ],
    { env, cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const started = await firstLine(up);
  const url = String(started.operatorsUrl);
  const run: House['run'] = async (args, { stdin = '', env: more = {} } = {}) => {
    const child = spawn(process.execPath, [PROGRAM, ...args, '--json'], {
      env: { ...env, ...more },
      // where packages that clients start by `npx` are installed
      cwd: process.cwd(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin.end(stdin);
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? 1, json: out === '' ? {} : (JSON.parse(out) as JsonObject) };
  };
  await run(['login', '--url', url, '--name', 'olga', '--code-stdin'], {
    stdin: String(started.setupCode),
  });
  const { key } = JSON.parse(await readFile(join(folder, 'home', 'operator.json'), 'utf8')) as {
    key: string;
  };
  return {
    folder,
    run,
    api: async (method, path, body) => {
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as JsonObject;
    },
    async close() {
      const ended = once(up, 'close');
      up.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function firstLine(child: ChildProcess): Promise<JsonObject> {
  if (child.stdout === null) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout }))
    return JSON.parse(line) as JsonObject;
  throw new Error('`signalbox up` ended before it was up');
}
