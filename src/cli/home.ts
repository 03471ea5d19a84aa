import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject, jsonIn } from '../domain/json.ts';
import type { Io } from './io.ts';

/** Where this user's Signalbox lives, and the few files the commands keep there. All of them 0600 in 0700 folders. */
export interface Home {
  readonly directory: string;
  /** The data directory when `--data-dir` names none. */
  readonly data: string;
  operator(): Promise<OperatorFile | null>;
  saveOperator(file: OperatorFile): Promise<string>;
  forgetOperator(): Promise<void>;
  agent(name: string): Promise<AgentFile | null>;
  saveAgent(file: AgentFile): Promise<string>;
}

/** What `login` keeps. */
export interface OperatorFile {
  readonly url: string;
  readonly name: string;
  readonly role: string;
  readonly key: string;
}

/** What `agent enrol --save` keeps. */
export interface AgentFile {
  readonly agent: string;
  readonly url: string;
  readonly token: string;
}

const LARGEST = 65_536;

/** `SIGNALBOX_HOME`, else the user's configuration folder. */
export function homeOf(io: Io): Home {
  const { SIGNALBOX_HOME: own, XDG_CONFIG_HOME: xdg } = io.env;
  const directory = own
    ? resolve(io.cwd, own)
    : join(xdg ? resolve(io.cwd, xdg) : join(io.home, '.config'), 'signalbox');
  const operatorPath = join(directory, 'operator.json');
  const agentPath = (name: string): string => join(directory, 'agents', `${fileName(name)}.json`);
  return {
    directory,
    data: join(directory, 'data'),
    operator: async () => {
      const file = await readOwn(io, operatorPath, ['url', 'name', 'role', 'key']);
      return file as OperatorFile | null;
    },
    saveOperator: (file) => writeOwn(io, operatorPath, { ...file }),
    forgetOperator: () => rm(operatorPath, { force: true }),
    agent: async (name) => {
      const file = await readOwn(io, agentPath(name), ['agent', 'url', 'token']);
      return file as AgentFile | null;
    },
    saveAgent: (file) => writeOwn(io, agentPath(file.agent), { ...file }),
  };
}

/** A secret handed over by a file (`SIGNALBOX_AGENT_TOKEN_FILE`): refused when others can read it. */
export async function readSecretFile(io: Io, path: string): Promise<string> {
  await refuseUnsafe(io, path);
  return (await readFile(path, 'utf8')).trim();
}

function fileName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name))
    throw new SignalboxError(
      'USAGE',
      `expected a name of letters, digits, \`.\`, \`_\` and \`-\`, got \`${name}\``,
    );
  return name;
}

async function readOwn(io: Io, path: string, keys: readonly string[]): Promise<JsonObject | null> {
  const known = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new SignalboxError('FILE_UNSAFE', `\`${path}\` cannot be looked at (${error.code})`);
  });
  if (known === null) return null;
  await refuseUnsafe(io, path);
  if (known.size > LARGEST)
    throw new SignalboxError(
      'FILE_UNSAFE',
      `expected \`${path}\` to be small, got ${known.size} bytes`,
    );
  const value: unknown = jsonIn(await readFile(path, 'utf8'));
  if (!isJsonObject(value) || !keys.every((key) => typeof value[key] === 'string'))
    throw new SignalboxError('FILE_UNSAFE', `\`${path}\` is not a file that this program wrote`, {
      help: 'delete it and log in (or enrol the agent) again',
    });
  return value;
}

/** A key that others can read is no key: it is refused, not used. */
async function refuseUnsafe(io: Io, path: string): Promise<void> {
  const { mode, uid } = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new SignalboxError('FILE_UNSAFE', `\`${path}\` cannot be read (${error.code})`, {
      help: 'name a file that you can read',
    });
  });
  if (io.uid === null) return;
  if ((mode & 0o077) !== 0)
    throw new SignalboxError(
      'FILE_UNSAFE',
      `expected \`${path}\` to be for its owner alone (0600), it is ${(mode & 0o777).toString(8).padStart(4, '0')}`,
      { help: `chmod 600 ${path}` },
    );
  if (uid !== io.uid && io.uid !== 0)
    throw new SignalboxError('FILE_UNSAFE', `\`${path}\` belongs to another user (uid ${uid})`, {
      help: 'use a file of your own',
    });
}

/** Whole or not at all: written beside, flushed, then renamed over. */
async function writeOwn(io: Io, path: string, value: JsonObject): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const beside = `${path}.${io.doors.entropy.id('tmp')}`;
  const file = await open(beside, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  return path;
}
