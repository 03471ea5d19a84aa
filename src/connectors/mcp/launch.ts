import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Connection } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import { canonical, isJsonObject, type JsonObject } from '../../domain/json.ts';
import { isCode, scriptsOf } from './launch-scripts.ts';
import { WireFault } from './wire.ts';

const MAX_FILES = 4_000;
const MAX_BYTES = 128 * 1024 * 1024;
const MAX_LEVELS = 6;
const MAX_KEPT = 20_000;
const SKIPPED = new Set(['node_modules', '.git', '.hg', '.venv', '__pycache__']);

/**
 * What the command of a connection would start now: its program, the script or package behind it or behind its first
 * argument that is one, and what is loaded before that (`--import`, `NODE_OPTIONS`), each by SHA-256. What a package itself
 * depends on is not looked at. Null where nothing is started from here, or the program is not there.
 */
export async function launchOf({ settings }: Connection): Promise<JsonObject | null> {
  const { command, cwd, env } = settings;
  if (!Array.isArray(command)) return null;
  const [program = '', ...args] = command.map(String);
  const folder = typeof cwd === 'string' ? cwd : '/';
  const path = isJsonObject(env) && typeof env.PATH === 'string' ? env.PATH : USUAL_PATH;
  const place = await programAt(program, folder, path);
  if (place === null) return null;
  const own = isJsonObject(env) ? Object.values(env).map(String) : [];
  const { entry, preloads } = await scriptsOf({ place, args, env: own, cwd: folder });
  const before = await Promise.all(preloads.map(packageOf));
  return {
    program: place,
    sha256: await fileDigest(place),
    ...(entry === null ? {} : await packageOf(entry)),
    ...(before.length === 0 ? {} : { before }),
  };
}

/** Throws WireFault `LAUNCH_CHANGED` when what would be started is not what was accepted; nothing was started. */
export async function checkLaunch(connection: Connection): Promise<void> {
  const pinned = connection.pins?.launch;
  if (pinned === undefined) return;
  const now = await launchOf(connection);
  if (now !== null && canonical(now) === canonical(pinned)) return;
  const why = now === null ? 'its program is not there any more' : whatMoved(pinned, now);
  throw new WireFault(
    'LAUNCH_CHANGED',
    `what \`${connection.name}\` is started from is not what was accepted: ${why}; it was not started`,
    false,
  );
}

/** In words for an agent too: names no path of this machine. */
function whatMoved(pinned: JsonObject, now: JsonObject): string {
  const moved = (key: string): boolean =>
    canonical(now[key] ?? null) !== canonical(pinned[key] ?? null);
  const said = (key: string, what: string): string =>
    `${what} \`${String(now[key] ?? 'none')}\`, \`${String(pinned[key] ?? 'none')}\` was accepted`;
  if (moved('program')) return 'it is another program';
  if (moved('sha256')) return 'its program has changed';
  if (moved('entry')) return 'it runs another script';
  if (moved('package')) return said('package', 'its package is');
  if (moved('version')) return said('version', 'its package is of version');
  if (moved('files')) return said('files', 'files of code in its package:');
  if (moved('code')) return 'its code has changed';
  return 'what is loaded before its code has changed';
}

const USUAL_PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

async function programAt(program: string, cwd: string, path: string): Promise<string | null> {
  const places = isAbsolute(program)
    ? [program]
    : program.includes('/')
      ? [resolve(cwd, program)]
      : path.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    const real = await realpath(place).catch(() => null);
    if (real !== null && (await stat(real)).isFile()) return real;
  }
  return null;
}

/** The package that a script belongs to, whole; the script alone where there is none, or too much of it. */
async function packageOf(entry: string): Promise<JsonObject> {
  let root = dirname(entry);
  for (let level = 0; level < MAX_LEVELS && dirname(root) !== root; level++, root = dirname(root)) {
    const manifest = await readFile(join(root, 'package.json'), 'utf8').catch(() => null);
    if (manifest === null) continue;
    const files = await codeIn(root);
    if (files === null) break;
    const lines = await Promise.all(
      [...files, join(root, 'package.json')].map(async (file) => [
        relative(root, file),
        await fileDigest(file),
      ]),
    );
    const { name, version } = named(manifest);
    return {
      entry,
      files: files.length,
      code: digestOf('mcp/launch', lines),
      ...(name === null ? {} : { package: name }),
      ...(version === null ? {} : { version }),
    };
  }
  return { entry, files: 1, code: await fileDigest(entry) };
}

function named(manifest: string): { name: string | null; version: string | null } {
  try {
    const value: unknown = JSON.parse(manifest);
    const text = (key: string) =>
      isJsonObject(value) && typeof value[key] === 'string' ? value[key] : null;
    return { name: text('name'), version: text('version') };
  } catch {
    return { name: null, version: null };
  }
}

/** In one order. Null beyond bounds. */
async function codeIn(root: string): Promise<string[] | null> {
  const found: string[] = [];
  const folders = [root];
  let bytes = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) folders.push(path);
      if (!entry.isFile() || !isCode(entry.name)) continue;
      bytes += (await stat(path)).size;
      found.push(path);
      if (found.length > MAX_FILES || bytes > MAX_BYTES) return null;
    }
    if (folders.length > MAX_FILES) return null;
  }
  return found.sort();
}

const known = new Map<string, string>();

/** Read again when anything of the file moved: its change time is not for its owner to set. */
async function fileDigest(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  const key = `${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  const kept = known.get(key);
  if (kept !== undefined) return kept;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  const digest = hash.digest('hex');
  if (known.size >= MAX_KEPT) known.clear();
  known.set(key, digest);
  return digest;
}
