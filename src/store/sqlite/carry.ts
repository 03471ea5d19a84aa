import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import {
  type CarriedHead,
  type CarriedTable,
  inOrder,
  notEmpty,
  type Source,
  type Target,
  type Value,
} from '../carry/carry.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import { type Database, openReader, openWriter } from './database.ts';
import { DATABASE_FILE, lockDirectory } from './lock.ts';
import { checkSchema, migrate } from './migrate.ts';

const PAGE = 500;

/** Reads a data directory as it is at one moment. `alone`: refused while a Signalbox runs on it, and none can start. */
export class SqliteSource implements Source {
  readonly #database: Database;
  readonly #release: () => void;

  private constructor(database: Database, release: () => void) {
    this.#database = database;
    this.#release = release;
  }

  /** Throws SignalboxError `STORE_DOWN`, `STORE_LOCKED`, `STORE_NEWER`. */
  static open(directory: string, alone: boolean): SqliteSource {
    if (!existsSync(join(directory, DATABASE_FILE)))
      throw new SignalboxError('STORE_DOWN', `expected a store in \`${directory}\``, {
        help: 'name the data directory of `signalbox up`',
      });
    const lock = alone ? lockDirectory(directory) : null;
    try {
      const database = openReader(join(directory, DATABASE_FILE));
      const source = new SqliteSource(database, () => lock?.release());
      checkSchema(database);
      database.run('BEGIN');
      return source;
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  async head(): Promise<CarriedHead> {
    const head = this.#database.one<CarriedHead>(
      `SELECT ledger, key_check AS keyCheck, (SELECT max(number) FROM migrations) AS schema
       FROM control`,
    );
    if (head === undefined) throw new SignalboxError('STORE_DOWN', 'the store is empty');
    return { ...head };
  }

  async *tables(): AsyncGenerator<CarriedTable> {
    const names = this.#database.all<{ name: string }>(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
    );
    for (const name of inOrder(names.map((row) => row.name))) {
      const columns = this.#columns(name);
      yield { name, columns, pages: this.#pages(name, columns) };
    }
  }

  async close(): Promise<void> {
    this.#database.close();
    this.#release();
  }

  #columns(table: string): string[] {
    if (table === 'payloads') return ['chain', 'seq', 'sealed'];
    return columnsOf(this.#database, table);
  }

  async *#pages(table: string, columns: readonly string[]): AsyncGenerator<Value[][]> {
    const from =
      table === 'payloads'
        ? 'payloads JOIN events USING (id) ORDER BY id'
        : `"${table}"${orderOf(table)}`;
    const list = columns.map((column) => `"${column}"`).join(', ');
    let page: Value[][] = [];
    for (const row of this.#database.each<Record<string, Value>>(`SELECT ${list} FROM ${from}`)) {
      page.push(columns.map((column) => row[column] ?? null));
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    yield page;
  }
}

/** Makes a store in a data directory that has none. */
export class SqliteTarget implements Target {
  readonly #directory: string;
  readonly #at: number;
  readonly #lock: { release(): void };
  readonly #database: Database;

  private constructor(
    directory: string,
    at: number,
    lock: { release(): void },
    database: Database,
  ) {
    this.#directory = directory;
    this.#at = at;
    this.#lock = lock;
    this.#database = database;
  }

  /** `at`: ms since the epoch. Throws SignalboxError `STORE_DOWN`, `STORE_LOCKED`. */
  static open(directory: string, at: number): SqliteTarget {
    const lock = lockDirectory(directory);
    try {
      const database = openWriter(join(directory, DATABASE_FILE));
      return new SqliteTarget(directory, at, lock, database);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async begin({ schema }: CarriedHead): Promise<void> {
    const database = this.#database;
    const tables = database.one<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema');
    if (tables?.n !== 0) throw notEmpty(`\`${this.#directory}\``);
    migrate(database, this.#at, stepsTo(schema));
    database.run('BEGIN IMMEDIATE');
  }

  async write(
    { name, columns }: Pick<CarriedTable, 'name' | 'columns'>,
    rows: readonly (readonly Value[])[],
  ): Promise<void> {
    if (rows.length === 0) return;
    if (name === 'payloads') {
      for (const [chain = null, seq = null, sealed = null] of rows)
        this.#database.run(
          'INSERT INTO payloads (id, sealed) SELECT id, ?3 FROM events WHERE chain = ?1 AND seq = ?2',
          chain,
          seq,
          sealed,
        );
      return;
    }
    const known = columnsOf(this.#database, name);
    const stray = columns.find((column) => !known.includes(column));
    if (stray !== undefined)
      throw new SignalboxError('STORE_NEWER', `\`${name}\` has no column \`${stray}\` here`);
    const list = columns.map((column) => `"${column}"`).join(', ');
    const marks = columns.map(() => '?').join(', ');
    for (const row of rows)
      this.#database.run(`INSERT INTO "${name}" (${list}) VALUES (${marks})`, ...row);
  }

  async finish(): Promise<void> {
    this.#database.run('COMMIT');
    migrate(this.#database, this.#at);
  }

  async close(): Promise<void> {
    if (this.#database.raw.isTransaction) this.#database.run('ROLLBACK');
    this.#database.close();
    this.#lock.release();
  }
}

function columnsOf(database: Database, table: string): string[] {
  return database
    .all<{ name: string }>('SELECT name FROM pragma_table_info(?)', table)
    .map(({ name }) => name);
}

/** A parent before its children. */
function orderOf(table: string): string {
  if (table === 'runs') return ' ORDER BY depth';
  return table === 'events' ? ' ORDER BY id' : '';
}

export function stepsTo(schema: number): typeof MIGRATIONS {
  if (!MIGRATIONS.some(({ number }) => number === schema))
    throw new SignalboxError(
      'STORE_NEWER',
      `it has schema ${schema}, this program knows up to ${MIGRATIONS.length}`,
    );
  return MIGRATIONS.filter(({ number }) => number <= schema);
}
