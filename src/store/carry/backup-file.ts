import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGunzip, createGzip, type Gzip } from 'node:zlib';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { CarriedHead, CarriedTable, Source, Target, Value } from './carry.ts';

/*
 * A backup is one gzip file of lines of JSON (docs/reference/backup.md):
 *
 *   {"backup":1,"ledger":…,"keyCheck":…,"schema":…}
 *   {"table":"events","columns":["id",…]}          then one line for each row: an array, bytes as {"b":base64}
 *   {"end":rows,"sha256":…}                        of every line before it, line feeds included
 */
const VERSION = 1;
const LONGEST_LINE = 64 * 1024 * 1024;
const PAGE = 500;

export class BackupWriter implements Target {
  readonly #path: string;
  readonly #aside: string;
  readonly #hash: Hash = createHash('sha256');
  #gzip: Gzip | null = null;
  #written: Promise<void> | null = null;
  #table = '';
  #rows = 0;
  #isDone = false;

  /** `aside`: an unused name in the same folder. */
  constructor(path: string, aside: string) {
    this.#path = path;
    this.#aside = aside;
  }

  async begin({ ledger, keyCheck, schema }: CarriedHead): Promise<void> {
    const file = await open(this.#path, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
      throw unwritable(this.#path, error);
    });
    await file.close();
    const gzip = createGzip();
    const out = createWriteStream(this.#aside, { flags: 'wx', mode: 0o600, flush: true });
    this.#gzip = gzip;
    this.#written = finished(gzip.pipe(out));
    this.#written.catch(() => {});
    gzip.on('error', () => {});
    await this.#line({ backup: VERSION, ledger, keyCheck, schema });
  }

  async write(
    { name, columns }: Pick<CarriedTable, 'name' | 'columns'>,
    rows: readonly (readonly Value[])[],
  ): Promise<void> {
    if (name !== this.#table) await this.#line({ table: name, columns: [...columns] });
    this.#table = name;
    for (const row of rows) await this.#line(row.map(said));
    this.#rows += rows.length;
  }

  async finish(): Promise<void> {
    await this.#line({ end: this.#rows, sha256: this.#hash.copy().digest('hex') });
    this.#gzip?.end();
    await this.#written;
    await rename(this.#aside, this.#path);
    this.#isDone = true;
  }

  async close(): Promise<void> {
    if (this.#isDone || this.#gzip === null) return;
    this.#gzip.destroy();
    await this.#written?.catch(() => {});
    await rm(this.#aside, { force: true });
    await rm(this.#path, { force: true });
  }

  async #line(value: unknown): Promise<void> {
    const gzip = this.#gzip;
    if (gzip === null) throw new Error('the backup was not begun');
    const line = `${JSON.stringify(value)}\n`;
    this.#hash.update(line);
    if (gzip.write(line)) return;
    await Promise.race([once(gzip, 'drain'), this.#written]);
  }
}

export class BackupReader implements Source {
  readonly #path: string;
  readonly #hash: Hash = createHash('sha256');
  readonly #lines: AsyncIterator<string>;
  readonly #end: () => void;
  #head: Promise<CarriedHead> | null = null;
  #told = '';
  #rows = 0;

  constructor(path: string) {
    this.#path = path;
    const file = createReadStream(path);
    const gunzip = createGunzip();
    file.on('error', (error) => gunzip.destroy(error));
    gunzip.on('error', () => {});
    file.pipe(gunzip);
    this.#lines = linesOf(gunzip);
    this.#end = () => {
      file.destroy();
      gunzip.destroy();
    };
  }

  head(): Promise<CarriedHead> {
    this.#head ??= this.#readHead();
    return this.#head;
  }

  async #readHead(): Promise<CarriedHead> {
    const head = await this.#next();
    if (!isJsonObject(head) || head.backup !== VERSION)
      throw this.#damaged('it is no backup of a store that this program knows');
    const { ledger, keyCheck, schema } = head;
    if (typeof ledger !== 'string' || typeof keyCheck !== 'string' || typeof schema !== 'number')
      throw this.#damaged('its first line says too little');
    return { ledger, keyCheck, schema };
  }

  async *tables(): AsyncGenerator<CarriedTable> {
    let line = await this.#next();
    while (isJsonObject(line) && typeof line.table === 'string' && Array.isArray(line.columns)) {
      const { table, columns } = line;
      const after: { line: unknown } = { line: null };
      yield {
        name: table,
        columns: columns as string[],
        pages: this.#pages(columns.length, after),
      };
      line = after.line;
    }
    if (!isJsonObject(line) || line.end !== this.#rows)
      throw this.#damaged('it ends before its end');
    if (line.sha256 !== this.#told) throw this.#damaged('its digest does not hold');
  }

  async close(): Promise<void> {
    this.#end();
  }

  async *#pages(width: number, after: { line: unknown }): AsyncGenerator<Value[][]> {
    let page: Value[][] = [];
    for (;;) {
      const line = await this.#next();
      if (!Array.isArray(line)) {
        after.line = line;
        yield page;
        return;
      }
      if (line.length !== width) throw this.#damaged('a row of another width');
      page.push(line.map((value) => this.#heard(value)));
      this.#rows++;
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
  }

  async #next(): Promise<unknown> {
    let next: IteratorResult<string>;
    try {
      next = await this.#lines.next();
    } catch (error) {
      throw this.#damaged((error as Error).message);
    }
    if (next.done === true) throw this.#damaged('it ends before its end');
    // The digest in the last line is of what comes before it.
    this.#told = this.#hash.copy().digest('hex');
    this.#hash.update(`${next.value}\n`);
    try {
      return JSON.parse(next.value);
    } catch {
      throw this.#damaged('a line that is no JSON');
    }
  }

  #heard(value: unknown): Value {
    if (value === null || typeof value === 'string' || typeof value === 'number') return value;
    const bytes = (value as JsonObject).b;
    if (typeof bytes !== 'string') throw this.#damaged('a value of no kind');
    return Buffer.from(bytes, 'base64');
  }

  #damaged(why: string): SignalboxError {
    return new SignalboxError('LEDGER_BROKEN', `\`${this.#path}\` cannot be restored: ${why}`, {
      help: 'use another backup',
    });
  }
}

function said(value: Value): unknown {
  return value instanceof Uint8Array ? { b: Buffer.from(value).toString('base64') } : value;
}

function unwritable(path: string, { code }: NodeJS.ErrnoException): SignalboxError {
  const why = code === 'EEXIST' ? 'is there already' : `cannot be written (${code})`;
  return new SignalboxError('USAGE', `\`${path}\` ${why}`, { help: 'name a new file' });
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.decode(chunk, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Error('a line that is too long');
    yield* lines;
  }
  if (rest !== '') yield rest;
}
