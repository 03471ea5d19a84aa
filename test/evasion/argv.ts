/** Command tools, attacked by words and paths. The program writes down its own words; files outside say whether they were touched. */
import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../../src/domain/json.ts';
import { ARGV_CASES, ARGV_CONTROLS, type ArgvCase, type ArgvControl } from './argv/cases.ts';
import { type Gateway, openGateway } from './gateway.ts';
import type { Case, Control, Group, Stand } from './group.ts';

const AGENT = 'support';
const KEY = 'evasion-fixture-key-0123456789';
const OUTSIDE = 'what lies outside';

/** Writes down its words, environment and directory, then reads or writes what it is told to. */
const PROGRAM = `#!${process.execPath}
const fs = require('node:fs');
const words = process.argv.slice(2);
fs.appendFileSync(process.env.RECORD, JSON.stringify({ words, env: process.env, cwd: process.cwd() }) + '\\n');
const [what, ...rest] = words;
if (what === 'show') process.stdout.write(fs.readFileSync(rest.at(-1)));
else if (what === 'save') fs.writeFileSync(rest.at(-1), fs.readFileSync(0));
else console.log(JSON.stringify(rest));
`;

interface Ground {
  readonly home: string;
  readonly jail: string;
  readonly record: string;
  records(): Promise<Record[]>;
}

interface Record {
  readonly words: readonly string[];
  readonly env: { readonly [name: string]: string };
  readonly cwd: string;
}

export const argv: Group = {
  name: 'argv',
  async open(): Promise<Stand> {
    const ground = await prepared();
    const gateway = await openGateway({
      config: configFor(ground),
      agent: AGENT,
      secrets: { key: KEY },
    });
    return {
      cases: ARGV_CASES.map((one) => caseOf(one, ground, gateway)),
      controls: ARGV_CONTROLS.map((one) => controlOf(one, ground, gateway)),
      async close() {
        await gateway.close();
        await rm(ground.home, { recursive: true, force: true });
      },
    };
  },
};

async function prepared(): Promise<Ground> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'signalbox-argv-')));
  const jail = join(home, 'jail');
  const record = join(home, 'record');
  await mkdir(join(jail, 'sub'), { recursive: true });
  await mkdir(join(home, 'outside'));
  await mkdir(join(home, 'jail-too'));
  await writeFile(join(home, 'tool'), PROGRAM);
  await chmod(join(home, 'tool'), 0o755);
  await writeFile(join(home, 'outside', 'secret'), OUTSIDE);
  await writeFile(join(home, 'jail-too', 'secret'), OUTSIDE);
  await writeFile(join(jail, 'a.txt'), 'inside a');
  await writeFile(join(jail, 'sub', 'b c.txt'), 'inside b');
  await writeFile(join(jail, '-n'), 'inside n');
  await writeFile(join(jail, '*'), 'inside star');
  const links: readonly [name: string, to: string][] = [
    ['up', '../outside/secret'],
    ['absolute', join(home, 'outside', 'secret')],
    ['folder', '../outside'],
    ['winding', 'sub/../../outside/secret'],
    ['chain', 'up'],
    ['sub/deep', '../../outside/secret'],
    ['self', '/proc/self/environ'],
    ['root', '/'],
    ['too', '../jail-too'],
    ['loop', 'loop'],
    ['good', 'sub/b c.txt'],
    ['goodfolder', join(jail, 'sub')],
    ['dangling', '../outside/new'],
  ];
  for (const [name, to] of links) await symlink(to, join(jail, name));
  await link(join(home, 'outside', 'secret'), join(jail, 'hard'));
  return {
    home,
    jail,
    record,
    async records() {
      const text = await readFile(record, 'utf8').catch(() => '');
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record]));
    },
  };
}

function configFor({ home, jail, record }: Ground): string {
  return `version: 1
organisation: { name: acme }
loops: off
connections:
  tool:
    kind: command
    program: ${home}/tool
    directory: ${jail}
    environment: staging
    env: { RECORD: ${record}, LANG: C }
    secrets: { API_KEY: key }
tools:
  echo: { connection: tool, description: d, effect: read, input: { a: { type: string } }, command: { args: [echo, fixed, "{a}", end] } }
  bound: { connection: tool, description: d, effect: read, input: { a: { type: string } }, command: { args: [echo, "--name={a}", "x{a}"] } }
  after: { connection: tool, description: d, effect: read, input: { a: { type: string } }, command: { args: [echo, --, "{a}"] } }
  count: { connection: tool, description: d, effect: read, input: { n: { type: integer, minimum: 1, maximum: 9 } }, command: { args: [echo, "-n{n}", "{n}"] } }
  show: { connection: tool, description: d, effect: read, input: { file: { type: string } }, command: { args: [show, "{file}"], paths: { file: existing } } }
  open: { connection: tool, description: d, effect: read, input: { file: { type: string } }, command: { args: [show, "{file}"], paths: { file: descriptor } } }
  save: { connection: tool, description: d, effect: write, input: { file: { type: string }, text: { type: string } }, command: { args: [save, "{file}"], paths: { file: new }, stdin: "{text}" } }
agents: { ${AGENT}: { owner: dana@acme.example } }
grants:
  - { agent: ${AGENT}, tools: [echo, bound, after, count, show, open, save], rung: approve }
`;
}

/** The words that these arguments must make; null where any start at all is one too many. */
function wantedWords(tool: string, args: JsonObject): readonly string[] {
  const [a, n] = [String(args.a), String(args.n)];
  switch (tool) {
    case 'echo':
      return ['echo', 'fixed', a, 'end'];
    case 'bound':
      return ['echo', `--name=${a}`, `x${a}`];
    case 'after':
      return ['echo', '--', a];
    case 'count':
      return ['echo', `-n${n}`, n];
    default:
      return [];
  }
}

const ALLOWED = new Set(['RECORD', 'LANG', 'API_KEY', 'SIGNALBOX_CHILD']);

function strange(
  tool: string,
  args: JsonObject,
  jail: string,
  { words, env, cwd }: Record,
): string[] {
  const wanted = wantedWords(tool, args);
  const odd = Object.keys(env).filter((name) => !ALLOWED.has(name));
  const isPath = wanted.length === 0;
  const option = !isPath && tool === 'echo' && (words[2] ?? '').startsWith('-');
  return [
    ...(isPath || JSON.stringify(words) === JSON.stringify(wanted)
      ? []
      : [`words ${words.join(' ')}`]),
    ...(isPath && (words.length !== 2 || (words[1] ?? '').startsWith('-'))
      ? [`words ${words.join(' ')}`]
      : []),
    ...(option ? [`an option ${words[2]}`] : []),
    ...(odd.length === 0 ? [] : [`environment ${odd.join()}`]),
    ...(cwd === jail ? [] : [`directory ${cwd}`]),
    ...(words.some((word) => word.includes(KEY)) ? ['the secret was a word'] : []),
  ];
}

/** What stands outside the jail, and inside beyond what tools may make. */
async function surroundings({ home, jail }: Ground): Promise<string> {
  const outside = await Promise.all(
    ['outside', 'jail-too'].map(async (folder) => {
      const names = await readdir(join(home, folder));
      const texts = await Promise.all(
        names.map((name) => readFile(join(home, folder, name), 'utf8')),
      );
      return [folder, names, texts];
    }),
  );
  return JSON.stringify([
    outside,
    (await readdir(home)).filter((name) => name !== 'record'),
    (await readdir(jail)).includes('x'),
  ]);
}

function caseOf(one: ArgvCase, ground: Ground, gateway: Gateway): Case {
  const { name, tool, args } = one;
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const [before, starts] = [await surroundings(ground), (await ground.records()).length];
      const undo = await swap(one, ground);
      const { whole } = await gateway.call(tool, args);
      await undo();
      const after = await surroundings(ground);
      return [
        ...(await ground.records())
          .slice(starts)
          .flatMap((record) => strange(tool, args, ground.jail, record)),
        ...(before === after ? [] : ['something outside changed']),
        ...(whole.includes(OUTSIDE) ? ['what lies outside came out'] : []),
        ...(whole.includes(KEY) ? ['the secret came out'] : []),
        ...(one.swap === 'program' && (await ground.records()).length > starts
          ? ['another program was started']
          : []),
      ];
    },
  };
}

async function swap(
  { swap: what }: ArgvCase,
  { home, jail }: Ground,
): Promise<() => Promise<void>> {
  if (what === undefined) return async () => {};
  const place = what === 'program' ? join(home, 'tool') : join(jail, 'sub');
  const aside = join(home, 'aside');
  await rename(place, aside);
  if (what === 'directory') await symlink('../outside', place);
  else {
    await writeFile(place, `${PROGRAM}\n// another one\n`);
    await chmod(place, 0o755);
  }
  return async () => {
    await rm(place, { force: true });
    await rename(aside, place);
  };
}

function controlOf(
  { name, tool, args, text }: ArgvControl,
  ground: Ground,
  gateway: Gateway,
): Control {
  return {
    name: `${tool}: ${name}`,
    async attempt() {
      const starts = (await ground.records()).length;
      const { said, whole } = await gateway.call(tool, args);
      if (said.kind !== 'done') return whole;
      const records = (await ground.records()).slice(starts);
      const odd = records.flatMap((record) => strange(tool, args, ground.jail, record));
      if (records.length !== 1 || odd.length > 0) return odd.join() || `${records.length} starts`;
      if (tool === 'save')
        return (await readFile(join(ground.jail, String(args.file)), 'utf8')) === args.text
          ? null
          : 'another text was written';
      return text === undefined || whole.includes(text) ? null : whole;
    },
  };
}
