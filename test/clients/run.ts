/**
 * `npm run test:clients [-- --json]`: real servers through real clients, with a human who approves. Installs the clients
 * into this folder first (from its lockfile, scripts ignored). Effects are counted where they happen.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { optionsOf } from '../../scripts/options.ts';
import { closeConnections } from '../crash/wire.ts';
import { CONFIG_FILES } from './config-files.ts';
import { install } from './installed.ts';
import { LIBRARIES } from './libraries.ts';
import type { Entry, Talker } from './talker.ts';
import { startWorld, type World } from './world.ts';

const values = optionsOf(import.meta.filename, { json: { type: 'boolean', default: false } });
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly got: string;
}

type Doing = (talker: Talker, world: World, mark: string) => Promise<string | null>;

/** Each answers null when it saw what it must, else what it saw instead. */
const STEPS: { readonly [step: string]: Doing } = {
  'lists what was granted, and nothing else': async (talker) => {
    const tools = await talker.tools();
    const missing = GRANTED.filter((name) => !tools.includes(name));
    const extra = tools.filter((name) => !GRANTED.includes(name));
    return missing.length + extra.length === 0 ? null : `missing ${missing}, extra ${extra}`;
  },
  'reads a file': async (talker, { files }) => {
    const said = await talker.call('files_read_text_file', { path: join(files, 'hello.txt') });
    return said.includes('hello from the disk') ? null : said;
  },
  'writes a file once it is approved': async (talker, world, mark) => {
    const path = join(world.files, `${mark}.txt`);
    const waiting = talker.call('files_write_file', { path, content: mark });
    const before = existsSync(path);
    const approved = await world.approve();
    const said = await waiting;
    if (before || approved !== 'files_write_file') return `before ${before}, ${approved}`;
    return existsSync(path) && readFileSync(path, 'utf8') === mark ? null : said;
  },
  'remembers once it is approved, and once only': async (talker, world, mark) => {
    const entities = [{ name: mark, entityType: 'test', observations: ['seen'] }];
    const waiting = talker.call('memory_create_entities', { entities });
    await world.approve();
    const said = await waiting;
    const times = world.remembered().filter((name) => name === mark).length;
    return times === 1 ? null : `${times} times: ${said}`;
  },
  'calls over stdio and over HTTP': async (talker, _, mark) => {
    const here = await talker.call('every_echo', { message: mark });
    const there = await talker.call('web_echo', { message: mark });
    return here.includes(mark) && there.includes(mark) ? null : `${here} | ${there}`;
  },
  'reads a resource': async (talker) => {
    const [first] = await talker.resources();
    if (first === undefined) return 'no resource is listed';
    return (await talker.read(first)).length > 0 ? null : `${first} is empty`;
  },
  'gets a prompt': async (talker) => {
    if (talker.prompt === null) return null;
    const messages = await talker.prompt('every_simple-prompt');
    return messages > 0 ? null : 'no message';
  },
};

const GRANTED = [
  'every_echo',
  'every_get-sum',
  'files_list_directory',
  'files_read_text_file',
  'files_write_file',
  'memory_create_entities',
  'memory_read_graph',
  'web_echo',
  'web_get-tiny-image',
];

async function drive(entry: Entry, world: World, mark: string): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const talker = await entry.open(world.mcpUrl, await world.token(entry.name));
  for (const [step, doing] of Object.entries(STEPS)) {
    const instead = await doing(talker, world, mark).catch((error: Error) => error.message);
    steps.push({ step, ok: instead === null, got: instead ?? 'as it must' });
    say(`  ${instead === null ? 'ok' : 'FAILED'} ${step}${instead === null ? '' : `: ${instead}`}`);
  }
  await talker.close();
  return steps;
}

install(say);
const world = await startWorld((line) => say(`signalbox: ${line}`));
const clients: { client: string; ok: boolean; steps: readonly Step[] }[] = [];
for (const [index, entry] of [...LIBRARIES, ...CONFIG_FILES].entries()) {
  say(entry.name);
  const steps = await drive(entry, world, `mark-${index}`).catch((error: Error) => [
    { step: 'connects', ok: false, got: error.message },
  ]);
  for (const { step, ok, got } of steps) if (!ok) say(`  ${step}: ${got}`);
  clients.push({ client: entry.name, ok: steps.every(({ ok }) => ok), steps });
}
await world.close();
await closeConnections();
const ok = clients.every((client) => client.ok);
if (values.json) console.log(JSON.stringify({ ok, clients }));
else console.log(ok ? `all ${clients.length} clients did all of it` : 'not all of it was done');
process.exit(ok ? 0 : 1);
