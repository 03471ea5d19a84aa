/**
 * The private folder that disposable servers live in, one per user, in the system's temporary
 * folder (and one in memory, for `run-` folders only):
 *
 *   signalbox-acme-<uid>/
 *     bin-<version>/           runnable copy of the binaries (root, or node_modules not writable)
 *     template-<version>/      an initialised cluster, copied for every server
 *     run-<host>-<pid>-xxxxxx/ one server's folder; owned by process <pid>
 *     new-<host>-<pid>-xxxxxx/ one of the first two while it is being made
 *
 * What is shared appears whole by `rename` and never changes afterwards, so any number of
 * processes may start at once. `run-` and `new-` folders of dead processes are swept at each start.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Account,
  type Binaries,
  binariesIn,
  copyPackage,
  createLinks,
  findPlatformPackage,
  isWholeCopy,
  type PlatformPackage,
  packageIn,
  runAs,
  serverAccount,
  serverEnvironment,
} from './postgres-binaries.ts';

export interface Home {
  readonly root: string;
  /** Where servers that need not be durable live: in memory, when there is enough of it. */
  readonly fastRoot: string;
  readonly version: string;
  readonly major: number;
  readonly binaries: Binaries;
  readonly account: Account | undefined;
}

interface Template {
  readonly data: string;
  /** The superuser's password inside the template; every server changes it at its first start. */
  readonly password: string;
}

export const SUPERUSER = 'postgres';

/** Names another server than npm's, for tests against other versions: a platform package, or a folder with `postgres` and `initdb`. */
const OTHER = 'SIGNALBOX_TEST_POSTGRES';

const ENOUGH_MEMORY = 2 * 1024 ** 3;

/** Two containers may share a temporary folder but not process ids: the host's name keeps them apart. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Finds the first temporary folder in which the server's account can really run the binaries. */
export async function openHome(
  places: readonly string[] = temporaryPlaces(),
  found?: PlatformPackage,
): Promise<Home> {
  const account = serverAccount();
  const failures: string[] = [];
  const other = found === undefined ? process.env[OTHER] : undefined;
  const from = found ?? (other === undefined ? findPlatformPackage() : packageIn(other));
  for (const place of places) {
    try {
      const root = openRoot(place);
      const fastRoot = openMemory() ?? root;
      const { binaries, version } =
        from !== null
          ? { binaries: await readyBinaries(from, root, account), version: from.version }
          : await installedIn(other ?? '', account);
      return { root, fastRoot, version, major: Number.parseInt(version, 10), binaries, account };
    } catch (error) {
      failures.push(`${place}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  const who = account === undefined ? 'this user' : `uid ${account.uid} (PostgreSQL refuses root)`;
  throw new Error(
    `PostgreSQL from \`${from?.name ?? other}\` cannot be run as ${who}; tried ${failures.join('; ')}. ` +
      'Set TMPDIR to a folder on a file system without noexec that this account can enter' +
      (account === undefined ? '' : ', or start as a user who is not root'),
  );
}

function temporaryPlaces(): string[] {
  return [...new Set([tmpdir(), '/tmp', '/var/tmp'])];
}

/**
 * A cluster is a thousand small files, and ext4 slows down fourfold when as many were deleted
 * moments ago, which is what a test suite does all the time.
 */
function openMemory(): string | undefined {
  try {
    const { bavail, bsize } = fs.statfsSync('/dev/shm');
    return bavail * bsize < ENOUGH_MEMORY ? undefined : openRoot('/dev/shm');
  } catch {
    return undefined;
  }
}

function openRoot(place: string): string {
  const uid = process.getuid?.() ?? 0;
  // Root's servers belong to `nobody`, who must be able to pass through.
  const mode = uid === 0 ? 0o755 : 0o700;
  const root = path.join(place, `signalbox-acme-${uid}`);
  try {
    fs.mkdirSync(root);
    fs.chmodSync(root, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const stat = fs.lstatSync(root);
  // The name can be guessed: what somebody else put there is not ours to run.
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o022) !== 0) {
    throw new Error(`\`${root}\` is not a folder that belongs to us alone`);
  }
  return root;
}

async function readyBinaries(
  found: PlatformPackage,
  root: string,
  account: Account | undefined,
): Promise<Binaries> {
  const failures: string[] = [];
  // As root a copy is always made: `nobody` can seldom read where root installs.
  if (account === undefined) {
    try {
      createLinks(found.folder);
      return await tried(binariesIn(found.folder), account);
    } catch (error) {
      failures.push(error instanceof Error ? error.message.trim() : String(error));
    }
  }
  await runAs(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', root], '/');
  const copy = path.join(root, `bin-${found.version}`);
  if (fs.existsSync(copy) && !isWholeCopy(found.folder, copy)) discard(root, copy);
  if (!fs.existsSync(copy)) {
    const made = ownFolder(root, 'new', undefined);
    copyPackage(found.folder, made);
    publish(made, copy);
  }
  try {
    return await tried(binariesIn(copy), account);
  } catch (error) {
    failures.push(error instanceof Error ? error.message.trim() : String(error));
    throw new Error(failures.join('; '));
  }
}

async function installedIn(
  bin: string,
  account: Account | undefined,
): Promise<{ readonly binaries: Binaries; readonly version: string }> {
  const binaries = { postgres: path.join(bin, 'postgres'), initdb: path.join(bin, 'initdb') };
  const said = await runAs(account, binaries.postgres, ['--version'], '/');
  await runAs(account, binaries.initdb, ['--version'], '/');
  const version = /\d+(\.\d+)*/.exec(said)?.[0];
  if (version === undefined) throw new Error(`expected a version of PostgreSQL, got \`${said}\``);
  return { binaries, version };
}

async function tried(binaries: Binaries, account: Account | undefined): Promise<Binaries> {
  await runAs(account, binaries.postgres, ['--version'], '/');
  await runAs(account, binaries.initdb, ['--version'], '/');
  return binaries;
}

/** A new folder of this process, which only the server's account can enter. */
export function ownFolder(root: string, kind: 'run' | 'new', account: Account | undefined): string {
  const folder = fs.mkdtempSync(path.join(root, `${kind}-${HOST}-${process.pid}-`));
  giveTo(folder, account);
  return folder;
}

export function giveTo(file: string, account: Account | undefined): void {
  if (account !== undefined) fs.chownSync(file, account.uid >>> 0, account.gid >>> 0);
}

/** Makes a finished folder visible under its shared name; when another process was first, its own stays. */
function publish(made: string, name: string): void {
  try {
    fs.renameSync(made, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    fs.rmSync(made, { recursive: true, force: true });
  }
}

function discard(root: string, shared: string): void {
  const away = ownFolder(root, 'new', undefined);
  try {
    fs.renameSync(shared, path.join(away, 'old'));
  } catch {
    // Another process discarded it first.
  }
  fs.rmSync(away, { recursive: true, force: true });
}

const templateFolder = (home: Home): string => path.join(home.root, `template-${home.version}`);

export function dropTemplate(home: Home): void {
  discard(home.root, templateFolder(home));
}

/** The initialised cluster to copy, made by `initdb` when there is none yet (about one second). */
export async function openTemplate(home: Home): Promise<Template & { readonly isNew: boolean }> {
  const folder = templateFolder(home);
  const isNew = !fs.existsSync(path.join(folder, 'password'));
  if (isNew) {
    const made = ownFolder(home.root, 'new', home.account);
    const passwordFile = path.join(made, 'password');
    fs.writeFileSync(passwordFile, newPassword(), { mode: 0o600 });
    giveTo(passwordFile, home.account);
    const args = ['--pgdata', path.join(made, 'data'), '--username', SUPERUSER];
    args.push('--pwfile', passwordFile, '--auth', 'scram-sha-256', '--encoding', 'UTF8');
    args.push('--locale', 'C');
    if (home.major >= 17) args.push('--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8');
    args.push('--no-sync', '--no-instructions');
    const said = await runToItsEnd(home, args, made);
    if (said !== undefined) {
      fs.rmSync(made, { recursive: true, force: true });
      throw new Error(whyNotInitialised(said));
    }
    publish(made, folder);
  }
  const password = fs.readFileSync(path.join(folder, 'password'), 'utf8');
  return { data: path.join(folder, 'data'), password, isNew };
}

/**
 * Runs `initdb` so that it finishes even when we do not: killed halfway, or writing to a pipe that
 * nobody reads any more, it leaves shared memory behind. Gives what it said when it failed.
 */
async function runToItsEnd(
  home: Home,
  args: readonly string[],
  made: string,
): Promise<string | undefined> {
  const said = path.join(made, 'initdb.log');
  const log = fs.openSync(said, 'w');
  try {
    const child = spawn(home.binaries.initdb, args, {
      cwd: made,
      detached: true,
      env: serverEnvironment(),
      stdio: ['ignore', log, log],
      ...home.account,
    });
    const [code] = await once(child, 'exit');
    return code === 0 ? undefined : fs.readFileSync(said, 'utf8').trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    fs.closeSync(log);
  }
}

function whyNotInitialised(said: string): string {
  const help = said.includes('could not look up effective user ID')
    ? ': PostgreSQL wants a user with a name, so start as one that /etc/passwd lists, or as root'
    : '';
  return `PostgreSQL could not initialise a cluster (${said})${help}`;
}

/** Copies the template as the server's account, so that the files belong to it. */
export async function copyTemplate(home: Home, template: Template, to: string): Promise<void> {
  await runAs(home.account, 'cp', ['-Rp', template.data, to], path.dirname(to));
}

export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Removes what dead processes left, after stopping a server that outlived its owner. */
export async function sweep(root: string): Promise<void> {
  for (const name of fs.readdirSync(root)) {
    const match = /^(?:run|new)-([0-9a-f]{8})-(\d+)-/.exec(name);
    if (match?.[1] !== HOST || isAlive(Number(match[2]))) continue;
    const folder = path.join(root, name);
    if (name.startsWith('new-') && isYoung(folder)) continue;
    await stopOrphan(path.join(folder, 'data'));
    try {
      fs.rmSync(folder, { recursive: true, force: true });
    } catch {
      // Its supervisor or another sweep is emptying it right now.
    }
  }
}

/** An orphaned `initdb` may still be at work in a folder this young. */
function isYoung(folder: string): boolean {
  const changed = fs.statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Date.now() - changed < 60_000;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The server's process id from its own lock file, or undefined when it has none. */
export function serverPid(data: string): number | undefined {
  try {
    const [line] = fs.readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n');
    const pid = Number(line);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

async function stopOrphan(data: string): Promise<void> {
  const pid = serverPid(data);
  if (pid === undefined) return;
  try {
    // A server works in its data folder: another process that got its number does not. The link
    // cannot be read any more once the process has ended.
    const folder = fs.realpathSync(data);
    if (fs.readlinkSync(`/proc/${pid}/cwd`) !== folder) return;
    process.kill(pid, 'SIGQUIT');
    for (let waited = 0; waited < 5_000; waited += 20) {
      if (fs.readlinkSync(`/proc/${pid}/cwd`) !== folder) return;
      await sleep(20);
    }
  } catch {
    // No /proc, or already gone. A server whose folder is removed ends by itself within a minute.
  }
}
