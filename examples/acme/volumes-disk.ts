/**
 * What the volume service really holds. The files are the truth, nothing is kept in memory:
 *
 *   <directory>/acme-db/volume.json                       the volume
 *   <directory>/acme-db/backups/backup-0001.ndjson.gz     every row of every table, one a line
 *   <directory>/acme-db/backups/backup-0001.json          its description; written last
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** What lies on the volume, as the service can reach it. */
export interface Attachment {
  /** Shown to callers, such as the folder of the cluster. */
  readonly label: string;
  /** Every row, as the backup keeps it. */
  dump(): AsyncIterable<{ readonly table: string; readonly row: unknown }>;
  /** Really destroys it. */
  destroy(): Promise<void>;
}

export interface Volume {
  readonly id: string;
  readonly label: string;
  readonly createdAt: string;
  readonly backups: number;
}

export interface Backup {
  readonly id: string;
  readonly createdAt: string;
  readonly note: string;
  /** Rows per table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly bytes: number;
  readonly sha256: string;
}

export const VOLUME = 'acme-db';
const MAX_BACKUPS = 200;

/** Thrown for what a caller did wrong or cannot have; `status` is the HTTP status that says so. */
export class VolumeError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Disk {
  readonly #directory: string;
  readonly #attachment: Attachment | undefined;
  /** Changes happen one after the other: a backup must not start while its volume is deleted. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string, attachment: Attachment | undefined) {
    this.#directory = directory;
    this.#attachment = attachment;
  }

  /** Makes the volume in an absent or empty directory. A volume that was deleted stays deleted. */
  async open(): Promise<void> {
    await fs.mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if ((await fs.readdir(this.#directory)).length > 0) return;
    await fs.mkdir(this.#backups(VOLUME), { recursive: true });
    const label = this.#attachment?.label ?? 'nothing attached';
    const volume = { id: VOLUME, label, createdAt: new Date().toISOString(), lastBackup: 0 };
    await this.#writeJson(path.join(this.#directory, VOLUME, 'volume.json'), volume);
  }

  async volumes(): Promise<Volume[]> {
    const ids = await namesIn(this.#directory);
    const found = await Promise.all(ids.map((id) => this.volume(id).catch(() => undefined)));
    return found.filter((volume) => volume !== undefined);
  }

  async volume(id: string): Promise<Volume> {
    const { label, createdAt } = await this.#stored(id);
    return { id, label, createdAt, backups: (await this.#backupIds(id)).length };
  }

  async backups(volume: string): Promise<Backup[]> {
    await this.#stored(volume);
    const ids = await this.#backupIds(volume);
    return Promise.all(ids.map((id) => this.backup(volume, id)));
  }

  async backup(volume: string, id: string): Promise<Backup> {
    const file = path.join(this.#backups(volume), `${id}.json`);
    const backup = await readJson<Backup>(file);
    if (backup === undefined) throw missing('backup', `${volume}/${id}`);
    return backup;
  }

  createBackup(volume: string, note: string): Promise<Backup> {
    return this.#inTurn(async () => {
      const stored = await this.#stored(volume);
      if (this.#attachment === undefined) {
        throw new VolumeError(409, 'nothing_attached', `nothing is attached to \`${volume}\``);
      }
      if ((await this.#backupIds(volume)).length >= MAX_BACKUPS) {
        throw new VolumeError(409, 'too_many_backups', `\`${volume}\` has ${MAX_BACKUPS} backups`);
      }
      const number = stored.lastBackup + 1;
      const file = path.join(this.#directory, volume, 'volume.json');
      await this.#writeJson(file, { ...stored, lastBackup: number });
      const id = `backup-${String(number).padStart(4, '0')}`;
      const base = path.join(this.#backups(volume), id);
      const rows = await writeDump(`${base}.ndjson.gz`, this.#attachment.dump());
      const { bytes, sha256 } = await measure(`${base}.ndjson.gz`);
      const backup = { id, createdAt: new Date().toISOString(), note, rows, bytes, sha256 };
      await this.#writeJson(`${base}.json`, backup);
      return backup;
    });
  }

  deleteBackup(volume: string, id: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.backup(volume, id);
      const base = path.join(this.#backups(volume), id);
      await fs.rm(`${base}.json`);
      await fs.rm(`${base}.ndjson.gz`);
    });
  }

  /** Deletes the volume, what lies on it and every backup of it; gives the number of backups. */
  deleteVolume(volume: string): Promise<number> {
    return this.#inTurn(async () => {
      const { backups } = await this.volume(volume);
      await this.#attachment?.destroy();
      await fs.rm(path.join(this.#directory, volume), { recursive: true });
      // Keeps the directory from looking new to the next start.
      await fs.writeFile(path.join(this.#directory, `${volume}.deleted`), '');
      return backups;
    });
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => {});
    return turn;
  }

  #backups(volume: string): string {
    return path.join(this.#directory, volume, 'backups');
  }

  async #backupIds(volume: string): Promise<string[]> {
    const names = await namesIn(this.#backups(volume));
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
  }

  async #stored(id: string): Promise<{ label: string; createdAt: string; lastBackup: number }> {
    const file = path.join(this.#directory, id, 'volume.json');
    const stored = await readJson<{ label: string; createdAt: string; lastBackup: number }>(file);
    if (stored === undefined) throw missing('volume', id);
    return stored;
  }

  /** A reader sees the old file or the new one, never half of it. */
  async #writeJson(file: string, value: unknown): Promise<void> {
    await fs.writeFile(`${file}.new`, `${JSON.stringify(value)}\n`);
    await fs.rename(`${file}.new`, file);
  }
}

function missing(kind: string, id: string): VolumeError {
  return new VolumeError(404, 'not_found', `there is no ${kind} \`${id}\``);
}

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code));

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await fs.readdir(directory)).sort();
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function readJson<Value>(file: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await fs.readFile(file, 'utf8')) as Value;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function writeDump(
  file: string,
  source: AsyncIterable<{ table: string; row: unknown }>,
): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  const toLines = new Transform({
    writableObjectMode: true,
    transform(item: { table: string; row: unknown }, _encoding, done) {
      rows[item.table] = (rows[item.table] ?? 0) + 1;
      done(null, `${JSON.stringify({ table: item.table, row: item.row })}\n`);
    },
  });
  const output = createWriteStream(file, { mode: 0o600, flush: true });
  try {
    await pipeline(Readable.from(source), toLines, createGzip(), output);
  } catch (error) {
    await fs.rm(file, { force: true });
    throw error;
  }
  return rows;
}

async function measure(file: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
