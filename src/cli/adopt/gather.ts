import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import {
  CLIENTS,
  type Client,
  type ClientFile,
  ClientFileFault,
} from '../../clients/client-file.ts';
import { entryOf } from '../../clients/entry.ts';
import { readClientFile } from '../../clients/read.ts';
import { isReserved, silhouette } from '../../config/names.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { canonical, isJsonObject } from '../../domain/json.ts';
import type { Call } from '../command.ts';
import { readSecretFile } from '../home.ts';
import { slug, type Taking, taken } from './connection.ts';
import { type Found, isLeft, type Left, type Taken } from './found.ts';
import type { Proposal } from './proposal.ts';

/** The servers of a file: those that can be taken, those that stay, and those that are ours already. */
export interface Gathered {
  readonly file: ClientFile;
  readonly taken: readonly Taken[];
  readonly left: readonly Left[];
}

/** Throws CONFIG_SYNTAX, USAGE. */
export function clientFileIn(bytes: Buffer, path: string, named: unknown): ClientFile {
  if (named !== undefined && !(CLIENTS as readonly unknown[]).includes(named))
    throw new SignalboxError(
      'USAGE',
      `expected \`--client\` to be ${CLIENTS.join(', ')}, got \`${String(named)}\``,
    );
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return readClientFile(text, path, (named as Client | undefined) ?? null);
  } catch (error) {
    if (error instanceof ClientFileFault)
      throw new SignalboxError('CONFIG_SYNTAX', `\`${path}\`: ${error.message}`, {
        help: 'mend the file; nothing was changed',
      });
    if (error instanceof TypeError)
      throw new SignalboxError('CONFIG_SYNTAX', `expected UTF-8 in \`${path}\`, got other bytes`, {
        help: 'save it as UTF-8',
      });
    throw error;
  }
}

export async function gathered(
  call: Call,
  place: string,
  file: ClientFile,
  proposal: Proposal,
  active: readonly string[],
): Promise<Gathered> {
  const answers = await answersOf(call);
  const found = file.sections.flatMap(({ at, project, servers, off }): Found[] =>
    servers
      .filter(({ value }) => !isOurs(value.command, value.args, value))
      .map(({ name, value }) => {
        const entry = entryOf(value);
        const disabled = entry.disabled || off.includes(name);
        return { name, section: at, project, entry: { ...entry, disabled } };
      }),
  );
  const all: (Taken | Left)[] = [];
  const names = new Map<string, Taken>();
  for (const one of found) {
    if (one.entry.disabled) {
      all.push({
        found: one,
        why: 'its client has it switched off',
        fix: 'switch it on, then adopt again',
      });
      continue;
    }
    all.push(
      await named(one, await takingOf(call, place, file, one, answers), names, proposal, active),
    );
  }
  return {
    file,
    taken: all.flatMap((each) => (isLeft(each) ? [] : [each])),
    left: all.filter(isLeft),
  };
}

/** Is this entry one that an adoption wrote? */
function isOurs(
  command: unknown,
  args: unknown,
  value: { readonly [key: string]: unknown },
): boolean {
  const words = Array.isArray(args) ? args.map(String) : [];
  const stdio =
    words.includes('mcp-stdio') &&
    [String(command), ...words].some((word) => /signalbox(?:\.js)?$/.test(word));
  const { headers } = value;
  const tokens = isJsonObject(headers) ? Object.values(headers).map(String).join(' ') : '';
  return (
    stdio || value.bearer_token_env_var === 'SIGNALBOX_TOKEN' || /SIGNALBOX_TOKEN/.test(tokens)
  );
}

const MAX_SUFFIX = 50;

/** A name of its own for each server; the same server twice in a file is one connection. */
async function named(
  found: Found,
  taking: Omit<Taking, 'nameOf' | 'secretName'>,
  names: Map<string, Taken>,
  proposal: Proposal,
  active: readonly string[],
): Promise<Taken | Left> {
  const known = [...names.keys(), ...Object.keys(proposal.members('connections')), ...active];
  for (let i = 1; i <= MAX_SUFFIX; i++) {
    const name = `${slug(found.name)}${i === 1 ? '' : `-${i}`}`;
    if (isReserved(name) || known.some((other) => isEasilyTakenFor(name, other))) continue;
    const one = await taken(found, {
      ...taking,
      nameOf: () => name,
      secretName: (connection, what) => secretNameOf(connection, what),
    });
    if (isLeft(one)) return one;
    const twin = names.get(name);
    if (twin === undefined && isFree(one, proposal, active)) {
      names.set(name, one);
      return one;
    }
    if (
      twin !== undefined &&
      canonical([twin.value, twin.secrets]) === canonical([one.value, one.secrets])
    )
      return one;
  }
  return { found, why: 'there are too many servers of this name', fix: 'give it another name' };
}

/** `fs-2` for `fs2`: no file may have both. */
function isEasilyTakenFor(name: string, other: string): boolean {
  return name !== other && silhouette(name) === silhouette(other);
}

/** A secret of a connection that is in use may be another account's: it is not replaced. */
function isFree(
  { connection, value, secrets }: Taken,
  proposal: Proposal,
  active: readonly string[],
): boolean {
  if (Object.hasOwn(proposal.members('connections'), connection))
    return (
      proposal.holds(connection, value) && (secrets.length === 0 || !active.includes(connection))
    );
  return !active.includes(connection);
}

function secretNameOf(connection: string, what: string): string {
  return `${connection}-${what.toLowerCase()}`.replaceAll(/[^a-z0-9._-]/g, '-').slice(0, 63);
}

async function takingOf(
  { io }: Call,
  place: string,
  file: ClientFile,
  { project }: Found,
  answers: { readonly [id: string]: string },
): Promise<Omit<Taking, 'nameOf' | 'secretName'>> {
  const workspace = project ?? workspaceOf(place, io.home);
  const wanted = [...new Set([workspace, dirname(place), io.cwd])];
  const there = await Promise.all(wanted.map(isFolder));
  const bases = wanted.filter((_, i) => there[i]);
  return {
    notes:
      bases[0] === workspace
        ? []
        : [`\`${workspace}\`, which it is for, is not here: it is started in \`${bases[0]}\``],
    around: {
      ...{
        client: file.client,
        env: io.env,
        home: io.home,
        workspace,
        inputs: file.inputs,
        answers,
      },
    },
    where: {
      bases,
      path: io.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      node: io.program[0] ?? 'node',
      home: io.home,
    },
  };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() === true;
}

const FOLDERS = new Set(['.cursor', '.vscode', '.gemini', '.codex', '.claude']);

/** The folder that a file is for: where it stands, or what its client's own folder stands in. */
export function workspaceOf(place: string, home: string): string {
  const folder = dirname(place);
  if (FOLDERS.has(basename(folder))) return dirname(folder);
  return folder.startsWith(`${home}/Library/`) || folder.startsWith(`${home}/.config/`)
    ? home
    : folder;
}

/** `--inputs FILE`: what the client would ask its user for. Throws FILE_UNSAFE, USAGE. */
async function answersOf({ io, options }: Call): Promise<{ readonly [id: string]: string }> {
  const { inputs } = options;
  if (typeof inputs !== 'string') return {};
  const path = resolve(io.cwd, inputs);
  const text = await readSecretFile(io, path);
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value))
      return Object.fromEntries(Object.entries(value).map(([id, answer]) => [id, String(answer)]));
  } catch {
    // said below
  }
  throw new SignalboxError('USAGE', `expected a JSON object of texts in \`${inputs}\``);
}

export async function configTextAt(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new SignalboxError('CONFIG_INVALID', `\`${path}\` cannot be read (${error.code})`);
  });
}
