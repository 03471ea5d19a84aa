/**
 * `npm run eval -- adopt [--configs DIR] [--json] [--short]`: takes over every client's file in a folder, calls every
 * tool through the entry that was written, with a client of the SDK, and gives every file back. A human is played for
 * asks: what is not a read is approved, once each. Without `--configs` it writes six files of its own.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../../../examples/acme/free-port.ts';
import { optionsOf } from '../../../scripts/options.ts';
import { EFFECT_CLASSES, type EffectClass } from '../../../src/domain/effect.ts';
import type { Json, JsonObject } from '../../../src/domain/json.ts';
import { argumentsFor, type Ground } from './arguments.ts';
import { entriesIn, talk } from './as-client.ts';
import { filesIn } from './files.ts';
import { type House, openHouse } from './house.ts';
import { truthOf } from './labels.ts';
import { CANARY, indexOf, writeOwnConfigs } from './own-configs.ts';

const values = optionsOf(import.meta.filename, {
  configs: { type: 'string' },
  json: { type: 'boolean' },
  short: { type: 'boolean' },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface AdoptedTool {
  readonly name: string;
  readonly served: boolean;
  readonly effect: EffectClass;
}

interface AdoptedServer {
  readonly name: string;
  readonly state: 'adopted' | 'left' | 'proposed';
  readonly connection?: string;
  readonly why?: string;
  readonly tools: readonly AdoptedTool[];
}

interface Tally {
  servers: number;
  tools: number;
  usable: number;
  usableUnasked: number;
  asks: number;
  unlabelled: number;
  decisions: number;
  mostDecisions: number;
  readonly left: { file: string; server: string; why: string }[];
  readonly unusable: { file: string; tool: string; why: string }[];
  readonly wronglyLowered: { file: string; tool: string; taken: string; really: string }[];
  readonly notRestored: string[];
  readonly secretsLeft: string[];
}

/** With `--short`, of the files that are written here. */
const SHORT_FILES = 3;

/** Says yes to every ask, as somebody who sits there would, until it is told to stop. */
function answering(house: House, tally: Tally): { stop(): Promise<void> } {
  let over = false;
  const loop = (async () => {
    while (!over) {
      const { approvals } = await house.api('GET', '/api/approvals');
      for (const ask of Array.isArray(approvals)
        ? (approvals as unknown as { id: string; digest: string }[])
        : []) {
        const { approval } = await house.api('POST', `/api/approvals/${ask.id}/approve`, {
          digest: ask.digest,
          because: 'eval',
        });
        if (approval !== undefined) tally.asks++;
      }
      await new Promise((done) => setTimeout(done, 150));
    }
  })();
  return {
    async stop() {
      over = true;
      await loop;
    },
  };
}

async function adoptAll(
  house: House,
  files: readonly string[],
  tally: Tally,
  inputs: string,
): Promise<Map<string, AdoptedServer[]>> {
  const adopted = new Map<string, AdoptedServer[]>();
  const config = join(house.folder, 'signalbox.yaml');
  const env = { EVAL_MEMORY: join(house.folder, 'memory-3.jsonl'), EVAL_BEARER: CANARY };
  for (const file of files) {
    const { json, code } = await house.run(
      ['adopt', file, '--yes', '--inputs', inputs, '--config', config],
      { env },
    );
    if (json.error !== undefined) say(`${file}: ${JSON.stringify(json.error)}`);
    const servers = (Array.isArray(json.servers) ? json.servers : []) as unknown as AdoptedServer[];
    const decisions = (Array.isArray(json.decisions) ? json.decisions : []) as unknown as {
      kind: string;
    }[];
    const taken = servers.filter(({ state }) => state === 'adopted');
    say(
      `${file}: ${taken.length} of ${servers.length} servers, ${decisions.length} decisions, exit ${code}`,
    );
    tally.servers += taken.length;
    tally.decisions += decisions.length;
    const shared = decisions.filter(({ kind }) => kind !== 'accept').length;
    const own = decisions.some(({ kind }) => kind === 'accept') ? 1 : 0;
    if (taken.length > 0) tally.mostDecisions = Math.max(tally.mostDecisions, shared + own);
    for (const { name, why = '' } of servers.filter(({ state }) => state === 'left')) {
      tally.left.push({ file, server: name, why });
      say(`  ${name} stays: ${why}`);
    }
    for (const { tools } of taken) judge(file, tools, tally);
    adopted.set(file, taken);
  }
  return adopted;
}

function judge(file: string, tools: readonly AdoptedTool[], tally: Tally): void {
  const offered = tools.map(({ name }) => name);
  for (const { name, effect } of tools) {
    const really = truthOf(name, offered);
    if (really === null) tally.unlabelled++;
    else if (EFFECT_CLASSES.indexOf(effect) < EFFECT_CLASSES.indexOf(really))
      tally.wronglyLowered.push({ file, tool: name, taken: effect, really });
  }
}

/** Every tool of every server that was taken, through whatever entry the file has now. */
async function useAll(
  file: string,
  servers: readonly AdoptedServer[],
  tally: Tally,
): Promise<void> {
  const entries = (await entriesIn(file)).filter(({ name }) => name.startsWith('signalbox'));
  const wanted = servers.flatMap(({ connection = '', tools }) =>
    tools
      .filter(({ served }) => served)
      .map((tool) => ({ ...tool, connection, as: `${connection}_${tool.name}` })),
  );
  tally.tools += wanted.length;
  const done = new Set<string>();
  for (const { entry } of entries) {
    const peer = await talk(entry);
    try {
      const listed = new Map(
        (await peer.tools()).map((tool) => [tool.name, tool.inputSchema as JsonObject]),
      );
      const grounds = new Map<string, Ground>();
      for (const { name, as, connection } of wanted) {
        if (name !== 'list_allowed_directories' || !listed.has(as)) continue;
        const { text } = await peer.call(as, {});
        const ground = { folder: text.split('\n').find((line) => line.startsWith('/')) ?? null };
        grounds.set(connection, ground);
        await groundwork(ground);
      }
      let served = '';
      for (const { name, as, connection } of inUse(wanted)) {
        const schema = listed.get(as);
        if (schema === undefined || done.has(as)) continue;
        const ground = grounds.get(connection) ?? { folder: null };
        // two servers may have the same folder, and the one before has moved what it found there
        if (served !== connection) {
          await clearGround(ground);
          await groundwork(ground);
        }
        served = connection;
        const asked = tally.asks;
        try {
          const { text, failed } = await peer.call(as, argumentsFor(name, schema, ground));
          if (failed) throw new Error(text.slice(0, 200));
          tally.usable++;
          if (tally.asks === asked) tally.usableUnasked++;
          done.add(as);
        } catch (error) {
          tally.unusable.push({
            file,
            tool: as,
            why: error instanceof Error ? error.message : String(error),
          });
          done.add(as);
        }
      }
      for (const ground of grounds.values()) await clearGround(ground);
    } finally {
      await peer.close();
    }
  }
  for (const { as } of wanted)
    if (!done.has(as)) tally.unusable.push({ file, tool: as, why: 'its client is not shown it' });
}

/** What makes things comes before what needs them, what takes them away last. */
function inUse<T extends { readonly name: string; readonly connection: string }>(
  tools: readonly T[],
): T[] {
  const servers = [...new Set(tools.map(({ connection }) => connection))];
  const rank = ({ name }: T): number =>
    /^(?:create|write)/.test(name) ? 0 : /^(?:delete|move)/.test(name) ? 2 : 1;
  return servers.flatMap((server) =>
    tools.filter(({ connection }) => connection === server).sort((a, b) => rank(a) - rank(b)),
  );
}

async function groundwork({ folder }: Ground): Promise<void> {
  if (folder === null) return;
  for (const name of ['signalbox-eval.txt', 'signalbox-eval-move.txt'])
    await writeFile(join(folder, name), 'hello\n');
}

async function clearGround({ folder }: Ground): Promise<void> {
  if (folder === null) return;
  for (const name of await readdir(folder))
    if (name.startsWith('signalbox-eval'))
      await rm(join(folder, name), { recursive: true, force: true });
}

/** A real server over HTTP, for the files that are written here. */
async function httpServer(): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const program = indexOf('everything');
  const child = spawn(process.execPath, [program, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await Promise.race([once(child.stderr, 'data'), once(child.stdout, 'data')]);
  return { url: `http://127.0.0.1:${port}/mcp`, child };
}

async function main(): Promise<number> {
  const tally: Tally = {
    ...{
      servers: 0,
      tools: 0,
      usable: 0,
      usableUnasked: 0,
      asks: 0,
      unlabelled: 0,
      decisions: 0,
      mostDecisions: 0,
    },
    ...{ left: [], unusable: [], wronglyLowered: [], notRestored: [], secretsLeft: [] },
  };
  const own = values.configs === undefined;
  const folder = own
    ? await mkdtemp(join(tmpdir(), 'signalbox-configs-'))
    : resolve(values.configs ?? '');
  const server = own ? await httpServer() : null;
  if (server !== null) await writeOwnConfigs(folder, server.url);
  const all = await filesIn(folder);
  const files = own && values.short === true ? all.slice(0, SHORT_FILES) : all;
  const before = new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)),
  );
  const house = await openHouse();
  let seconds = 0;
  try {
    const inputs = join(house.folder, 'inputs.json');
    await writeFile(inputs, JSON.stringify(await answersFor(files, house.folder)), { mode: 0o600 });
    const began = performance.now();
    const adopted = await adoptAll(house, files, tally, inputs);
    seconds = (performance.now() - began) / 1_000;
    const human = answering(house, tally);
    try {
      for (const [file, servers] of adopted) {
        if (servers.length === 0) continue;
        if (own && (await readFile(file, 'utf8')).includes(CANARY)) tally.secretsLeft.push(file);
        await useAll(file, servers, tally).catch((error: Error) => {
          say(`${file}: ${error.message}`);
          tally.unusable.push({ file, tool: '*', why: error.message });
        });
      }
    } finally {
      await human.stop();
    }
    for (const [file, servers] of adopted) {
      if (servers.length === 0) continue;
      await house.run(['eject', file]);
      if (before.get(file)?.equals(await readFile(file)) !== true) tally.notRestored.push(file);
    }
  } finally {
    // whatever happened, nobody's file stays changed by an evaluation
    for (const [file, bytes] of before)
      if (!bytes.equals(await readFile(file))) await writeFile(file, bytes);
    await house.close();
    server?.child.kill();
    if (own) await rm(folder, { recursive: true, force: true });
  }
  return told(tally, files.length, seconds);
}

/** Prints what was found; 0 when all of it holds. */
function told(tally: Tally, files: number, seconds: number): number {
  const { decisions, mostDecisions, usable, tools, wronglyLowered, notRestored, secretsLeft } =
    tally;
  const report = {
    ...{ files, servers: tally.servers, tools, usable },
    usableShare: tools === 0 ? 0 : usable / tools,
    usableUnasked: tally.usableUnasked,
    humanDecisionsPerServer: mostDecisions,
    ...{
      decisions,
      asks: tally.asks,
      seconds: Math.round(seconds * 10) / 10,
      wronglyLowered,
      notRestored,
      secretsLeft,
    },
    ...{ unlabelled: tally.unlabelled, left: tally.left, unusable: tally.unusable },
  };
  const ok =
    tally.servers > 0 &&
    usable >= 0.8 * tools &&
    mostDecisions <= 3 &&
    seconds <= 300 &&
    wronglyLowered.length + notRestored.length + secretsLeft.length === 0;
  if (values.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return ok ? 0 : 1;
}

/** Some answer to everything that a client would ask its user for. */
async function answersFor(
  files: readonly string[],
  folder: string,
): Promise<{ [id: string]: Json }> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const ids = texts.flatMap((text) =>
    [...text.matchAll(/\$\{input:([^}]+)\}/g)].map(([, id = '']) => id),
  );
  const defaults = texts.flatMap((text) =>
    [...text.matchAll(/"id"\s*:\s*"([^"]+)"[^}]*"default"\s*:/g)].map(([, id = '']) => id),
  );
  // a place where a place is asked for, else a text that looks like a secret
  const answer = (id: string): string =>
    /file/i.test(id)
      ? join(folder, `${id.replaceAll(/\W/g, '-')}.jsonl`)
      : /dir|path|folder|root|workspace/i.test(id)
        ? folder
        : `answer-${CANARY}`;
  return Object.fromEntries(
    ids.filter((id) => !defaults.includes(id)).map((id) => [id, answer(id)]),
  );
}

process.exitCode = await main();
