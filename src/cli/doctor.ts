import { access, constants, stat, statfs } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import type { StandingHalt } from '../broker/standing.ts';
import type { DrillHealth } from '../domain/drill.ts';
import { exposed } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { stillAlive } from '../surfaces/admin/halt-words.ts';
import { plain } from '../surfaces/admin/reveal.ts';
import type { ServerView } from '../surfaces/admin/servers.ts';
import { join, request } from './client.ts';
import type { Call, Command } from './command.ts';
import { EXIT } from './exit.ts';
import { count, moment, type Style } from './render.ts';
import { dataDirectory } from './up.ts';

type Finding = {
  readonly name: string;
  /** `bad` makes the command fail; `warn` is for a human to weigh. */
  readonly state: 'ok' | 'warn' | 'bad';
  readonly says: string;
  readonly fix?: string;
};

/** The oldest SQLite whose behaviour the store was tested with. */
const OLDEST_SQLITE = [3, 51, 3];
const LEAST_FREE_BYTES = 512 * 1024 * 1024;
const PROBE_MS = 5_000;
const BEHIND_S = 60;

export const doctor: Command = {
  name: 'doctor',
  summary: 'look at this machine, the data directory and the running Signalbox; change nothing',
  usage: '',
  positionals: [0, 0],
  options: {
    'data-dir': { type: 'string', value: 'DIR', summary: 'the data directory to look at' },
  },
  run: async (call) => {
    const directory = dataDirectory(call);
    const findings = [
      ...versions(call),
      ...(await files(call, directory)),
      ...(await operatorKey(call)),
      ...(await listeners(call)),
      ...(await running(call)),
    ];
    const bad = findings.some(({ state }) => state === 'bad');
    return {
      json: { ok: !bad, directory, findings: findings.map((finding) => ({ ...finding })) },
      text: findings.map((finding) => line(finding, call.style)).join('\n'),
      exit: bad ? EXIT.failed.code : EXIT.ok.code,
    };
  },
};

function line({ name, state, says, fix }: Finding, style: Style): string {
  const mark = { ok: style.good('ok  '), warn: style.strong('mind'), bad: style.bad('bad ') }[
    state
  ];
  return `${mark}  ${name.padEnd(16)}  ${plain(says)}${fix === undefined ? '' : `\n${' '.repeat(24)}${style.dim(fix)}`}`;
}

function versions({ io }: Call): Finding[] {
  const { node = '0', sqlite = '0' } = io.versions;
  const [major = 0] = node.split('.').map(Number);
  const recent = isAtLeast(sqlite.split('.').map(Number), OLDEST_SQLITE);
  return [
    { name: 'Node', state: major >= 24 ? 'ok' : 'bad', says: `${node}, expected 24 or newer` },
    {
      name: 'SQLite',
      state: recent ? 'ok' : 'warn',
      says: `${sqlite}, expected ${OLDEST_SQLITE.join('.')} or newer`,
    },
  ];
}

function isAtLeast(version: readonly number[], wanted: readonly number[]): boolean {
  const at = wanted.findIndex((part, index) => (version[index] ?? 0) !== part);
  return at === -1 || (version[at] ?? 0) > (wanted[at] ?? 0);
}

async function files({ io }: Call, directory: string): Promise<Finding[]> {
  const known = await stat(directory).catch(() => null);
  if (known === null)
    return [
      {
        name: 'data directory',
        state: 'warn',
        says: `${directory} is not there, or not for this user`,
        fix: '`signalbox up` makes one; `--data-dir` names another',
      },
    ];
  const findings: Finding[] = [
    modeOf('data directory', directory, known.mode, 0o700),
    await freeSpace(directory),
  ];
  const key = joinPath(directory, 'master.key');
  const keyFile = await stat(key).catch(() => null);
  if (keyFile !== null) findings.push(modeOf('key file', key, keyFile.mode, 0o600));
  if ((await stat(`${key}.old`).catch(() => null)) !== null)
    findings.push({
      name: 'key before',
      state: 'warn',
      says: `${key}.old is kept: backups from before the last change of the key need it`,
      fix: 'when none of them is needed: `signalbox secret rekey --forget-old`',
    });
  const readable = await canRead(key);
  findings.push(
    readable
      ? {
          name: 'secret boundary',
          state: 'warn',
          says: `this user (uid ${io.uid ?? 'unknown'}) can read the key: an agent that runs as this user has no secret boundary`,
          fix: 'run agents as another user, in a container, or on another machine',
        }
      : { name: 'secret boundary', state: 'ok', says: 'this user cannot read the key' },
  );
  return findings;
}

function modeOf(name: string, path: string, mode: number, expected: number): Finding {
  const has = mode & 0o777;
  const octal = (bits: number): string => bits.toString(8).padStart(4, '0');
  return (has & ~expected) === 0
    ? { name, state: 'ok', says: `${path} (${octal(has)})` }
    : {
        name,
        state: 'bad',
        says: `${path} is ${octal(has)}, expected ${octal(expected)}: others can look inside`,
        fix: `chmod ${octal(expected).slice(1)} ${path}`,
      };
}

/** Whoever starts an agent as the user that holds an operator key lets it answer its own asks. */
async function operatorKey({ home, io }: Call): Promise<Finding[]> {
  const file = joinPath(home.directory, 'operator.json');
  if (!(await canRead(file))) return [];
  return [
    {
      name: 'operator key',
      state: 'warn',
      says: `an agent that runs as this user (uid ${io.uid ?? 'unknown'}) can read your operator key and approve what it asks for`,
      fix: 'run agents as another user; `signalbox logout` forgets the key here',
    },
  ];
}

function canRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

async function freeSpace(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const free = bavail * bsize;
  const says = `${Math.round(free / 1024 / 1024)} MiB free`;
  return free >= LEAST_FREE_BYTES
    ? { name: 'disk', state: 'ok', says }
    : { name: 'disk', state: 'warn', says, fix: 'nothing runs when the ledger cannot be written' };
}

async function listeners(call: Call): Promise<Finding[]> {
  const url = await call.api.url();
  return Promise.all([probe(call, 'operators', url), probe(call, 'ready', url, '/readyz')]);
}

async function probe(call: Call, name: string, url: string, path = '/healthz'): Promise<Finding> {
  const asked = { method: 'GET', url: join(url, path), bearer: null, body: null };
  try {
    await request(call.io, { ...asked, patienceMs: PROBE_MS });
    return { name, state: 'ok', says: `${url}${path} answers` };
  } catch (fault) {
    const { message, help } = exposed(fault);
    return { name, state: 'bad', says: message, fix: help };
  }
}

/** What only the running Signalbox knows; left out, and said so, when nobody is logged in. */
async function running(call: Call): Promise<Finding[]> {
  const { api } = call;
  const status = await api.get('/api/status').catch((fault: unknown) => exposed(fault));
  if (status instanceof Error)
    return [{ name: 'inside', state: 'warn', says: status.message, fix: status.help }];
  const agents = typeof status.agentsUrl === 'string' ? status.agentsUrl : '';
  const list = (name: string): JsonObject[] => {
    const value = status[name];
    return Array.isArray(value) ? value.filter(isJsonObject) : [];
  };
  const open = list('openIntents');
  const residual = list('leases').filter(({ state }) => state === 'residual');
  return [
    ...(agents === '' ? [] : [await probe(call, 'agents', agents)]),
    await haltsFinding(call),
    ...list('observed').map(
      ({ agent, until }): Finding => ({
        name: 'observed',
        state: 'warn',
        says: `${agent} is observed until ${new Date(Number(until)).toISOString().slice(0, 10)}: not everything is enforced`,
        fix: '`signalbox observe report` shows what would have been refused or asked',
      }),
    ),
    open.length === 0
      ? { name: 'intents', state: 'ok', says: 'none without outcome' }
      : {
          name: 'intents',
          state: 'warn',
          says: `${count(open.length, 'intent')} without outcome: ${open.map(({ id, tool }) => `${id} (${tool})`).join(', ')}`,
          fix: 'calls in flight look the same; one that stays was hidden by a crash: `signalbox why ID`',
        },
    residual.length === 0
      ? { name: 'credentials', state: 'ok', says: 'none that could not be revoked' }
      : {
          name: 'credentials',
          state: 'bad',
          says: `not revocable by Signalbox and not confirmed dead: ${residual.map(({ handle, connection }) => `${handle} at ${connection}`).join(', ')}`,
          fix: 'revoke them at their source',
        },
    sealFinding(status.sealed),
    ...alertsFinding(status.alerts),
    policiesFinding(status.policies),
    ...(await servers(call)),
    ...(await drilled(call)),
  ];
}

/** A halt that is not inert has something alive in it, and that is named. */
async function haltsFinding({ api }: Call): Promise<Finding> {
  const found = await api.get('/api/halts');
  const halts = (Array.isArray(found.halts) ? found.halts : []) as unknown as StandingHalt[];
  if (halts.length === 0) return { name: 'halts', state: 'ok', says: 'none in force' };
  const gated = halts.filter(({ state }) => state === 'gated');
  const alive = gated.flatMap(stillAlive);
  const names = halts.map(({ scope, state }) => `${scope} (${state})`).join(', ');
  return {
    name: 'halts',
    state: alive.length === 0 ? 'warn' : 'bad',
    says: `in force: ${names}${alive.length === 0 ? '' : `; alive in them: ${alive.join('; ')}`}`,
    fix: '`signalbox halt list` says what is alive in them, `signalbox resume …` lifts one',
  };
}

/** The sealer signs once a second while records come: what waits for longer is not being sealed. */
function sealFinding(value: unknown): Finding {
  const name = 'seal';
  const fix = 'the log says why (`sealer: …`); records stay chained meanwhile';
  if (!isJsonObject(value) || value.checkpointAgeMs === null)
    return { name, state: 'warn', says: 'no checkpoint of the ledger was signed yet', fix };
  const [waiting, seconds] = [
    Number(value.unsealed),
    Math.round(Number(value.checkpointAgeMs) / 1_000),
  ];
  const says = `${count(waiting, 'record')} unsealed, last checkpoint ${seconds} s ago`;
  const isBehind = waiting > 0 && seconds > BEHIND_S;
  return isBehind ? { name, state: 'bad', says, fix } : { name, state: 'ok', says };
}

/** Only something to say when an alert did not arrive. */
function alertsFinding(value: unknown): Finding[] {
  const { undelivered = 0, why } = isJsonObject(value) ? value : {};
  if (Number(undelivered) === 0) return [];
  const says = `${count(Number(undelivered), 'alert')} could not be delivered; the last: ${String(why)}`;
  return [{ name: 'alerts', state: 'bad', says, fix: 'look at the receiver and at its secret' }];
}

/** A compiler that reads policies otherwise than Cedar's engine is a fault here, though the engine decides then. */
function policiesFinding(value: unknown): Finding {
  const name = 'policies';
  const { state, alarms } = isJsonObject(value) ? value : {};
  const first = Array.isArray(alarms) ? alarms.filter(isJsonObject) : [];
  const [one] = first.filter(({ kind }) => kind === state);
  const told = `${String(one?.tool ?? 'all tools')}: ${String(one?.why ?? '')}`;
  const of = count(first.length, 'alarm');
  if (state === 'failed')
    return {
      ...{ name, state: 'bad', says: `${of}; what they are asked about is denied: ${told}` },
      fix: 'mend the policies: `signalbox policy check` says what is wrong',
    };
  if (state === 'disagreed')
    return {
      ...{ name, state: 'bad', says: `${of}; Cedar's own engine decides alone: ${told}` },
      fix: 'report it with the policies: the compiler of Signalbox reads them otherwise',
    };
  if (state === 'fallback')
    return { name, state: 'warn', says: `${of}; slower by the reference engine: ${told}` };
  return { name, state: 'ok', says: 'compiled, and the same as by Cedar’s own engine' };
}

/** A halt that is not drilled is a hope. */
async function drilled({ api }: Call): Promise<Finding[]> {
  const found = await api.get('/api/drills');
  const { state, lastAt } = found.health as unknown as DrillHealth;
  const when = lastAt === null ? '' : `, last at ${moment(lastAt)}`;
  const name = 'drill';
  switch (state) {
    case 'fresh':
      return [{ name, state: 'ok', says: `passed${when}` }];
    case 'off':
      return [
        {
          name,
          state: 'warn',
          says: `none is planned${when}`,
          fix: 'plan one under `drill` in `signalbox.yaml`: docs/guide/drill.md',
        },
      ];
    case 'never':
    case 'stale':
      return [
        {
          name,
          state: 'bad',
          says: state === 'never' ? 'planned, and none was made yet' : `too long ago${when}`,
          fix: '`signalbox drill` makes one now',
        },
      ];
    case 'failed':
      return [
        { name, state: 'bad', says: `failed${when}`, fix: '`signalbox drill list` shows it' },
      ];
  }
}

/** MCP servers are asked by the running Signalbox: it has their secrets, this machine may not reach them. */
async function servers({ api }: Call): Promise<Finding[]> {
  const { servers: views } = await api.get('/api/servers');
  return (Array.isArray(views) ? (views as unknown as readonly ServerView[]) : []).map(
    serverFinding,
  );
}

function serverFinding(view: ServerView): Finding {
  const name = `server ${view.connection}`;
  const { fault, server, protocol, offers, served, changed, gone, reworded } = view;
  if (fault !== null) return { name, state: 'bad', says: fault.message, fix: fault.fix };
  const says = [
    `${server?.name ?? 'it'} ${server?.version ?? ''} answers`.replace('  ', ' '),
    ...(protocol === null ? [] : [protocol]),
    `${served} of ${count(offers, 'tool')} served`,
    ...(changed.length === 0 ? [] : [`defined otherwise now: ${changed.join(', ')}`]),
    ...(reworded.length === 0
      ? []
      : [`in other words now, the old ones are shown: ${reworded.join(', ')}`]),
    ...(view.instructionsChanged ? ['its instructions changed; no agent reads them'] : []),
    ...(gone.length === 0 ? [] : [`no longer there: ${gone.join(', ')}`]),
  ].join('; ');
  if (changed.length + gone.length === 0) return { name, state: 'ok', says };
  const fix =
    'calls of these are refused; `signalbox tool diff` shows what changed, `signalbox tool accept NAME` takes it';
  return { name, state: 'warn', says, fix };
}
