/** "Your own, in five minutes" of the README, followed word by word on a PostgreSQL that has never seen Signalbox. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';

const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PASSWORD = 'choose-your-own';
const PATIENCE_MS = 100_000;
const CUSTOMERS = `
  CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, plan text NOT NULL);
  INSERT INTO customers VALUES (475, 'Dana', 'free'), (476, 'Emre', 'free')`;
/** The agent of the story, in place of YOUR_AGENT. */
const AGENT = `node ${place('examples/nine-seconds/agent.ts')}`;

let folder = '';
let server: AcmePostgres;
let up: ChildProcess | undefined;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-readme-'));
  server = await startPostgres({ durable: false });
  await server.createDatabase('shop');
  await server.query(CUSTOMERS, [], 'shop');
});
after(async () => {
  if (up !== undefined && up.exitCode === null) {
    up.kill('SIGINT');
    await once(up, 'exit');
  }
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

function environment(): NodeJS.ProcessEnv {
  const bin = join(process.execPath, '..');
  return {
    PATH: `${folder}:${bin}:${process.env.PATH}`,
    HOME: folder,
    SIGNALBOX_HOME: join(folder, 'home'),
  };
}

/** The blocks of the section, by language. */
async function blocks(): Promise<Readonly<Record<string, string>>> {
  const readme = await readFile(place('README.md'), 'utf8');
  const [, section = ''] = /^## Your own[^\n]*\n(.*?)^## /ms.exec(readme) ?? [];
  const found = section.matchAll(/^```(\w+)\n(.*?)^```$/gms);
  return Object.fromEntries([...found].map(([, language = '', text = '']) => [language, text]));
}

async function startUp(): Promise<{ url: string; code: string }> {
  up = spawn(
    process.execPath,
    [place('bin/signalbox.js'), 'up', '--json', '--agents-port', '0', '--operators-port', '0'],
    { env: environment(), cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  assert.ok(up.stdout !== null);
  const [line] = await once(up.stdout.setEncoding('utf8'), 'data');
  const { operatorsUrl, setupCode } = JSON.parse(String(line)) as Record<string, string>;
  return { url: String(operatorsUrl), code: String(setupCode) };
}

/** One line of the shell block; what the agent is asked stands on its stdin. */
async function follow(line: string, input: string): Promise<{ code: number; text: string }> {
  const shell = spawn('sh', ['-c', line], { env: environment(), cwd: folder });
  let text = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  shell.stdin.on('error', () => {});
  shell.stdin.end(input);
  const [code] = await once(shell, 'close');
  return { code, text };
}

test('the five minutes of the README work as they stand', { timeout: PATIENCE_MS }, async () => {
  const { sql = '', yaml = '', sh = '' } = await blocks();
  await server.query(sql, [], 'shop');
  assert.match(yaml, /port: 5432$/m);
  await writeFile(join(folder, 'signalbox.yaml'), yaml.replace('5432', String(server.port)));
  await writeFile(join(folder, 'broker-password.txt'), `${PASSWORD}\n`);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${place('bin/signalbox.js')}' "$@"\n`;
  await writeFile(join(folder, 'signalbox'), program, { mode: 0o755 });

  const { url, code } = await startUp();
  const said: string[] = [];
  for (const line of sh.trim().split('\n')) {
    const real = line
      .replace('login --name you', `login --name you --url ${url} --code-stdin`)
      .replace(/ apply$/, ' apply --yes')
      .replace('YOUR_AGENT', AGENT);
    const input = line.includes(' login ') ? code : '{"task":"tools"}\n{"task":"customer"}\n';
    const { code: exit, text } = await follow(real, input);
    assert.equal(exit, 0, `${line}\n${text}`);
    said.push(text);
  }
  const last = said.at(-1) ?? '';
  assert.match(last, /get_customer, set_plan/);
  assert.match(last, /Dana/);
  assert.equal(said.length, 5);
});
