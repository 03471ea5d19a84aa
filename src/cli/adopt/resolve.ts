import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { isJsonObject, type Json } from '../../domain/json.ts';

/** Where programs and packages are looked for. Nothing is ever fetched. */
export interface Where {
  /** Folders that relative words may be meant from, the likeliest first. */
  readonly bases: readonly string[];
  readonly path: string;
  /** The Node that runs Signalbox. */
  readonly node: string;
  readonly home: string;
}

export interface Program {
  readonly command: readonly string[];
  readonly cwd: string;
  /** The package of npm it came from, where it did. */
  readonly package: { readonly name: string; readonly version: string } | null;
}

/** It cannot be started from here as it is written; `fix` says what would help. */
export class Unresolved extends Error {
  readonly fix: string;
  constructor(message: string, fix: string) {
    super(message);
    this.fix = fix;
  }
}

const MAX_MANIFEST = 1024 * 1024;

/** A program with an absolute path, and the folder in which its relative arguments mean something. */
export async function programOf(
  command: string,
  args: readonly string[],
  where: Where,
): Promise<Program> {
  const cwd = await baseOf([command, ...args], where.bases);
  const program = await located(command, cwd, where);
  if (program === null)
    throw new Unresolved(
      `\`${command.slice(0, 100)}\` is not on this machine`,
      'install it, or write the whole path of the program',
    );
  return { command: [program, ...args], cwd, package: null };
}

/** The first base from which a relative word names something that is there. */
async function baseOf(words: readonly string[], bases: readonly string[]): Promise<string> {
  const relative = words.filter((word) =>
    /^\.{1,2}[/\\]|^[\w.-]+[/\\][\w./\\-]+$|^[\w-]+\.[cm]?[jt]s$/.test(word),
  );
  for (const base of bases)
    for (const word of relative) if (await isThere(resolve(base, word))) return base;
  return bases[0] ?? '/';
}

async function located(
  command: string,
  cwd: string,
  { path, node }: Where,
): Promise<string | null> {
  if (isAbsolute(command)) return (await isThere(command)) ? command : null;
  if (/[/\\]/.test(command)) {
    const place = resolve(cwd, command);
    return (await isThere(place)) ? place : null;
  }
  for (const folder of path.split(delimiter)) {
    const place = join(folder, command);
    if (isAbsolute(folder) && (await isProgram(place))) return place;
  }
  return command === 'node' ? node : null;
}

/** A package that is installed: in `node_modules` above a base, beside the global ones, or in the cache of npx. */
export async function packageProgram(
  asked: { readonly name: string; readonly version: string | null; readonly bin: string | null },
  args: readonly string[],
  where: Where,
): Promise<Program> {
  const found = await installed(asked.name, where);
  const usable = found.find(
    ({ version }) => asked.version === null || satisfies(version, asked.version),
  );
  if (usable === undefined) {
    const spec = `${asked.name}${asked.version === null ? '' : `@${asked.version}`}`;
    const [other] = found;
    throw new Unresolved(
      other === undefined
        ? `\`npx\` would download \`${spec}\``
        : `\`npx\` would download \`${spec}\`; ${other.version} is installed`,
      `install it where its file is (\`npm install ${spec}\`), then adopt again`,
    );
  }
  const entry = entryOf(usable.bin, asked.bin, asked.name);
  if (entry === null)
    throw new Unresolved(
      `it is not clear which program of \`${asked.name}\` is meant`,
      'write the path of its program',
    );
  const cwd = await baseOf(args, where.bases);
  const { name, version, folder } = usable;
  return { command: [where.node, join(folder, entry), ...args], cwd, package: { name, version } };
}

interface Installed {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly bin: Json | undefined;
}

async function installed(name: string, { bases, home, node }: Where): Promise<Installed[]> {
  const above = bases.flatMap((base) => {
    const folders: string[] = [];
    for (let at = resolve(base); ; at = dirname(at)) {
      folders.push(join(at, 'node_modules'));
      if (dirname(at) === at) return folders;
    }
  });
  const globals = [
    join(dirname(dirname(node)), 'lib', 'node_modules'),
    '/usr/local/lib/node_modules',
    '/usr/lib/node_modules',
  ];
  const cached = await npxFolders(join(home, '.npm', '_npx'));
  const found: Installed[] = [];
  for (const folder of new Set([...above, ...globals, ...cached])) {
    const manifest = await manifestOf(join(folder, name));
    if (manifest !== null) found.push({ ...manifest, name });
  }
  return found;
}

async function npxFolders(cache: string): Promise<string[]> {
  const { readdir } = await import('node:fs/promises');
  const names = await readdir(cache).catch(() => []);
  return names.slice(0, 200).map((name) => join(cache, name, 'node_modules'));
}

async function manifestOf(folder: string): Promise<Omit<Installed, 'name'> | null> {
  try {
    const real = await realpath(folder);
    const path = join(real, 'package.json');
    if ((await stat(path)).size > MAX_MANIFEST) return null;
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isJsonObject(value) || typeof value.version !== 'string') return null;
    return { version: value.version, folder: real, bin: value.bin };
  } catch {
    return null;
  }
}

/** An exact version, or a beginning of one (`2`, `2.1`, `^2.1.0`, `~2.1.0`). */
function satisfies(version: string, wanted: string): boolean {
  if (version === wanted) return true;
  const [, range = '', numbers = ''] = /^([\^~]?)v?(\d+(?:\.\d+){0,2})$/.exec(wanted) ?? [];
  if (numbers === '') return false;
  const [want, have] = [
    numbers.split('.').map(Number),
    version.split('.').map((part) => Number.parseInt(part, 10)),
  ];
  const fixed = range === '^' ? 1 : range === '~' ? 2 : want.length;
  if (range === '' && want.length === 3) return false;
  if (want.slice(0, fixed).some((part, i) => have[i] !== part)) return false;
  for (const [i, part] of want.entries()) {
    const got = have[i] ?? 0;
    if (got !== part) return got > part;
  }
  return true;
}

function entryOf(bin: Json | undefined, wanted: string | null, name: string): string | null {
  if (typeof bin === 'string') return bin;
  if (!isJsonObject(bin)) return null;
  const own = name.replace(/^@[^/]+\//, '');
  const entry =
    bin[wanted ?? own] ?? (Object.keys(bin).length === 1 ? Object.values(bin)[0] : undefined);
  return typeof entry === 'string' ? entry : null;
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isProgram(path: string): Promise<boolean> {
  const known = await stat(path).catch(() => null);
  if (known?.isFile() !== true) return false;
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
