import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Home } from '../home.ts';
import type { Io } from '../io.ts';

/** One take-over of a file: what it held before, and by what it is known that nobody changed it since. */
export interface AdoptionRecord {
  readonly file: string;
  readonly at: number;
  readonly mode: number;
  /** Base64 of every byte. */
  readonly before: string;
  /** SHA-256 of what was written. */
  readonly after: string;
  readonly servers: readonly string[];
  readonly agents: readonly string[];
}

export const MAX_CLIENT_FILE = 32 * 1024 * 1024;

/** Records of one file, oldest first. They hold what the file held, secrets included: 0600 in a 0700 folder. */
export class Records {
  readonly #io: Io;
  readonly #folder: string;

  constructor(io: Io, home: Home, file: string) {
    this.#io = io;
    this.#folder = join(home.directory, 'adopted', sha256(Buffer.from(file)).slice(0, 24));
  }

  get folder(): string {
    return this.#folder;
  }

  async all(): Promise<{ readonly path: string; readonly record: AdoptionRecord }[]> {
    const names = (await readdir(this.#folder).catch(() => [])).filter((name) =>
      /^\d+\.json$/.test(name),
    );
    const sorted = names.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    return Promise.all(
      sorted.map(async (name) => {
        const path = join(this.#folder, name);
        return { path, record: recordIn(await readFile(path, 'utf8'), path) };
      }),
    );
  }

  async add(record: AdoptionRecord): Promise<string> {
    const last = (await this.all()).at(-1)?.path ?? '0';
    const number = Number.parseInt(last.slice(last.lastIndexOf('/') + 1), 10) + 1;
    const path = join(this.#folder, `${number}.json`);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeWhole(this.#io, path, Buffer.from(`${JSON.stringify(record)}\n`), 0o600);
    return path;
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true });
  }
}

function recordIn(text: string, path: string): AdoptionRecord {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value) || typeof value.before !== 'string' || typeof value.after !== 'string')
    throw new SignalboxError('FILE_UNSAFE', `\`${path}\` is not a file that this program wrote`);
  return value as unknown as AdoptionRecord;
}

/** The bytes of a client's file, and the place that a link to it leads to. */
export async function readClient(
  path: string,
): Promise<{ place: string; bytes: Buffer; mode: number }> {
  const place = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    throw new SignalboxError('CONFIG_MISSING', `\`${path}\` cannot be found (${error.code})`, {
      help: 'name the configuration file of the client',
    });
  });
  const { size, mode } = await stat(place);
  if (size > MAX_CLIENT_FILE)
    throw new SignalboxError(
      'CONFIG_TOO_LARGE',
      `expected at most ${MAX_CLIENT_FILE} bytes in \`${path}\`, got ${size}`,
      {
        help: 'this is hardly the configuration file of a client',
      },
    );
  return { place, bytes: await readFile(place), mode: mode & 0o777 };
}

/** Whole or not at all. */
export async function writeWhole(
  io: Io,
  path: string,
  bytes: Uint8Array,
  mode: number,
): Promise<void> {
  const beside = join(dirname(path), `.${io.doors.entropy.id('signalbox')}`);
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.chmod(mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw new SignalboxError(
      'FILE_UNSAFE',
      `\`${path}\` cannot be written (${(error as NodeJS.ErrnoException).code})`,
      {
        help: 'choose a folder that you can write to',
      },
    );
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
