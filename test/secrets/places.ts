/** Everywhere that something leaves the process to, as text. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { World } from './world.ts';

/** Texts by place. */
export type Places = Map<string, string>;

export function put(places: Places, place: string, text: string): void {
  places.set(place, `${places.get(place) ?? ''}${text}\n`);
}

/** Every GET that an operator has, as JSON and as pages, for all runs and actions there are. */
export async function operatorsSide(world: World, places: Places, session: string): Promise<void> {
  const { operatorsUrl, operator } = world;
  const get = async (path: string, place: string, headers: Record<string, string>) => {
    const answer = await fetch(`${operatorsUrl}${path}`, { headers, redirect: 'manual' });
    const text = await answer.text();
    put(places, place, JSON.stringify([...answer.headers]) + text);
    return text;
  };
  const bearer = { authorization: `Bearer ${operator.key}` };
  const api = (path: string) => get(path, 'admin API', bearer);
  for (const path of [
    '/api/status',
    '/api/secrets',
    '/api/connections',
    '/api/servers',
    '/api/halts',
    '/api/drills',
    '/api/approvals',
    '/api/ledger/verify',
    '/api/ledger/checkpoint',
    '/api/nothing',
  ])
    await api(path);
  const runs = idsIn(await api('/api/runs'), 'run');
  const actions = new Set<string>();
  const asks = new Set(idsIn(await api('/api/approvals'), 'ask'));
  for (const run of runs) {
    const text = await api(`/api/runs/${run}`);
    for (const id of idsIn(text, 'act')) actions.add(id);
    for (const id of idsIn(text, 'ask')) asks.add(id);
    await get(`/runs/${run}`, 'pages', { cookie: session });
  }
  for (const id of actions) {
    await api(`/api/why/${id}`);
    await get(`/api/ledger/proof?id=${id}`, 'proofs', bearer);
  }
  for (const id of asks) {
    await api(`/api/approvals/${id}`);
    await get(`/approvals/${id}`, 'pages', { cookie: session });
  }
  for (const path of ['/', '/halt?kind=all', '/resume', '/login', '/page.js'])
    await get(path, 'pages', { cookie: session });
}

function idsIn(text: string, prefix: string): string[] {
  return [...new Set(text.match(new RegExp(`\\b${prefix}_[0-9a-z]{20,}`, 'g')) ?? [])];
}

/** Bytes of the data directory, except the key that is there by design, and of what lies in temporary files. */
export async function onDisk(world: World, places: Places, when: string): Promise<void> {
  for (const [place, folder] of [
    ['store', world.directory],
    ['temporary files', world.temporary],
  ] as const)
    for (const path of await readdir(folder, { recursive: true })) {
      if (path.includes('master.key')) continue;
      const bytes = await readFile(join(folder, path)).catch(() => Buffer.alloc(0));
      put(places, `${place} (${when})`, bytes.toString('latin1'));
    }
}

/** What an operator carries away: a backup of the store, as the command makes it, and all that it says on the way. */
export async function backedUp(world: World, places: Places): Promise<void> {
  const file = join(world.temporary, 'backup');
  const words = ['store', 'backup', file, '--data-dir', world.directory, '--json'];
  const { stdout, stderr } = await signalbox(words);
  put(places, 'output of the backup', stdout + stderr);
  put(places, 'backup', (await readFile(file)).toString('latin1'));
}

/** The master key is changed, and what was sealed under the one before lies under another. */
export async function rekeyed(world: World, places: Places): Promise<void> {
  const words = ['secret', 'rekey', '--yes', '--data-dir', world.directory, '--json'];
  const key = async (name: string): Promise<string> =>
    (await readFile(join(world.directory, name), 'utf8')).trim();
  world.planted.set('master key before', await key('master.key'));
  const { stdout, stderr } = await signalbox(words);
  world.planted.set('master key', await key('master.key'));
  put(places, 'output of the change of the key', stdout + stderr);
  await onDisk(world, places, 'under a new key');
}

function signalbox(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const bin = fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url));
  return promisify(execFile)(process.execPath, [bin, ...words]);
}

/** What anybody on the machine may read of a process, and of those that it started. */
export async function ofProcesses(world: World, places: Places): Promise<void> {
  const parent = world.gateway.pid ?? 0;
  for (const pid of [parent, ...(await childrenOf(parent))]) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    put(places, 'command lines', await read('cmdline'));
    const environment = await read('environ');
    // a server that takes its secret in its environment has that one there
    const own = world.planted.get('environment of a child') ?? '';
    const text = pid === parent ? environment : environment.replaceAll(`CHILD_KEY=${own}`, '');
    put(places, 'environments', text);
  }
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(ppid) === parent) found.push(Number(name));
  }
  return found;
}
