import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { codeOf } from './program.ts';

/** What an argument that is a path may be. */
export type PathUse = 'existing' | 'new' | 'descriptor';

/** A path as the command gets it. */
export interface Resolved {
  readonly text: string;
  /** Open, to be handed down as the next descriptor; `text` names that one. */
  readonly file?: FileHandle;
}

/** Thrown in plain words that quote no value. */
export class PathFault extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'PathFault';
  }
}

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
/** Opens a name without any right on what it names; Linux only. */
const O_PATH = 0o10000000;
const MAX_LINKS = 16;
const MAX_PATH = 4_096;
const MAX_STEPS = 256;
const LINUX = process.platform === 'linux';
/** Descriptors 0 to 2 are the streams. */
const FIRST_DESCRIPTOR = 3;

/**
 * A directory that the paths of a command stay in. On Linux each step is opened from the one before, and no symbolic link
 * is followed unseen: one is read, and gone along only while it stays inside. What the command itself does with a name
 * later is not in our hands; `descriptor` hands down the open file instead.
 */
export class Jail {
  readonly #root: FileHandle;
  /** The real path of the directory. */
  readonly path: string;
  readonly #open: FileHandle[] = [];
  #descriptors = 0;

  private constructor(root: FileHandle, path: string) {
    this.#root = root;
    this.path = path;
  }

  static async open(directory: string): Promise<Jail> {
    let root: FileHandle | null = null;
    try {
      root = await open(directory, O_RDONLY | O_DIRECTORY);
      const path = LINUX ? await readlink(`/proc/self/fd/${root.fd}`) : await realpath(directory);
      return new Jail(root, path);
    } catch (error) {
      await root?.close();
      throw new PathFault(`the directory \`${directory}\` cannot be entered (${codeOf(error)})`);
    }
  }

  /** What to change into before the command starts: the very directory that was opened. */
  get cwd(): string {
    return LINUX ? `/proc/self/fd/${this.#root.fd}` : this.path;
  }

  /** Throws PathFault. */
  async resolve(name: string, value: string, use: PathUse): Promise<Resolved> {
    const steps = stepsOf(name, value);
    const parts = LINUX ? await this.#walk(name, steps, use) : await this.#real(name, steps, use);
    const text = parts.length === 0 ? '.' : `./${parts.join('/')}`;
    if (use !== 'descriptor') return { text };
    const file = await this.#read(name, parts);
    return { text: `/dev/fd/${FIRST_DESCRIPTOR + this.#descriptors++}`, file };
  }

  async close(): Promise<void> {
    await Promise.all([this.#root, ...this.#open.splice(0)].map((file) => file.close()));
  }

  /** The path without a link in it. Every step is held open until the next one is. */
  async #walk(name: string, given: readonly string[], use: PathUse): Promise<string[]> {
    const left = [...given];
    const done: string[] = [];
    let links = 0;
    let steps = 0;
    while (left.length > 0) {
      if (++steps > MAX_STEPS) throw new PathFault(`\`${name}\` leads through too many links`);
      const step = left.shift() ?? '';
      if (step === '.') continue;
      if (step === '..') {
        // only a link's own text can say so
        if (done.pop() === undefined) throw outside(name);
        continue;
      }
      const at = await this.#enter(done);
      try {
        const target = await linkAt(at, step);
        if (target === null) {
          await this.#check(name, at, step, left.length > 0, use);
          done.push(step);
          continue;
        }
        if (++links > MAX_LINKS) throw new PathFault(`\`${name}\` leads through too many links`);
        if (target.startsWith('/')) {
          done.length = 0;
          left.unshift(...this.#inside(name, target));
        } else left.unshift(...target.split('/').filter((one) => one !== ''));
      } finally {
        await at.close();
      }
    }
    return done;
  }

  /** The directory of these steps, each opened from the last and none through a link. */
  async #enter(steps: readonly string[]): Promise<FileHandle> {
    let at = await open(`/proc/self/fd/${this.#root.fd}`, O_PATH | O_DIRECTORY);
    for (const step of steps) {
      const next = await open(
        `/proc/self/fd/${at.fd}/${step}`,
        O_PATH | O_DIRECTORY | O_NOFOLLOW,
      ).finally(() => at.close());
      at = next;
    }
    return at;
  }

  async #check(
    name: string,
    at: FileHandle,
    step: string,
    more: boolean,
    use: PathUse,
  ): Promise<void> {
    let file: FileHandle;
    try {
      file = await open(`/proc/self/fd/${at.fd}/${step}`, O_PATH | O_NOFOLLOW);
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && use === 'new' && !more) return;
      throw new PathFault(`\`${name}\` names nothing that can be opened (${codeOf(error)})`);
    }
    try {
      const stat = await file.stat();
      if (more && !stat.isDirectory()) throw new PathFault(`\`${name}\` leads through a file`);
      if (!stat.isDirectory() && !stat.isFile())
        throw new PathFault(`\`${name}\` is neither a file nor a directory`);
      // another name of it may stand anywhere
      if (stat.isFile() && stat.nlink > 1)
        throw new PathFault(`\`${name}\` is a file of several names`);
    } finally {
      await file.close();
    }
  }

  async #read(name: string, parts: readonly string[]): Promise<FileHandle> {
    const last = parts.at(-1);
    if (!LINUX || last === undefined)
      throw new PathFault(`\`${name}\` cannot be handed down open on this system`);
    const at = await this.#enter(parts.slice(0, -1));
    try {
      const file = await open(`/proc/self/fd/${at.fd}/${last}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      this.#open.push(file);
      const stat = await file.stat();
      if (!stat.isFile() || stat.nlink > 1) throw new PathFault(`\`${name}\` is no plain file`);
      return file;
    } catch (error) {
      if (error instanceof PathFault) throw error;
      throw new PathFault(`\`${name}\` cannot be opened (${codeOf(error)})`);
    } finally {
      await at.close();
    }
  }

  /** Where nothing can be opened from an open directory: looked at once, with what that leaves. */
  async #real(name: string, steps: readonly string[], use: PathUse): Promise<string[]> {
    const parts = steps.filter((step) => step !== '.');
    const whole = join(this.path, ...parts);
    const looked = use === 'new' ? join(whole, '..') : whole;
    let real: string;
    try {
      real = await realpath(looked);
    } catch (error) {
      throw new PathFault(`\`${name}\` names nothing that can be opened (${codeOf(error)})`);
    }
    const end = use === 'new' ? [parts.at(-1) ?? ''] : [];
    const all = [...this.#inside(name, real), ...end];
    return all;
  }

  /** The steps of an absolute path below the directory. */
  #inside(name: string, path: string): string[] {
    if (path !== this.path && !path.startsWith(this.path + sep)) throw outside(name);
    return path
      .slice(this.path.length)
      .split(sep)
      .filter((one) => one !== '');
  }
}

/** What a link says, or null where none stands. */
async function linkAt(at: FileHandle, step: string): Promise<string | null> {
  try {
    return await readlink(`/proc/self/fd/${at.fd}/${step}`);
  } catch {
    return null;
  }
}

function stepsOf(name: string, value: string): string[] {
  if (value === '') throw new PathFault(`\`${name}\` is empty and is a path`);
  if (value.includes('\0') || !value.isWellFormed())
    throw new PathFault(`\`${name}\` holds characters that no path has`);
  if (value.length > MAX_PATH) throw new PathFault(`\`${name}\` is too long for a path`);
  if (value.startsWith('/') || value.startsWith('~') || value.includes('\\'))
    throw new PathFault(`\`${name}\` is no path below the directory of the command`);
  const steps = value.split('/').filter((step) => step !== '');
  if (steps.includes('..')) throw outside(name);
  return steps;
}

function outside(name: string): PathFault {
  return new PathFault(`\`${name}\` leads out of the directory of the command`);
}
