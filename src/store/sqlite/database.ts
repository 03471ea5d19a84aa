import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SignalboxError } from '../../domain/errors.ts';

/** Older ones can lose a write-ahead log that two connections use at once. */
const OLDEST_SQLITE = [3, 51, 3] as const;

/** One connection with its prepared statements. Statements are kept for ever: their texts are all constants. */
export class Database {
  readonly raw: DatabaseSync;
  /** How often `run` was called: tells whether something tried to write. */
  writes = 0;
  readonly #statements = new Map<string, StatementSync>();

  constructor(raw: DatabaseSync) {
    this.raw = raw;
  }

  one<R>(sql: string, ...values: SQLInputValue[]): R | undefined {
    return this.#prepared(sql).get(...values) as R | undefined;
  }

  all<R>(sql: string, ...values: SQLInputValue[]): R[] {
    return this.#prepared(sql).all(...values) as R[];
  }

  each<R>(sql: string, ...values: SQLInputValue[]): IterableIterator<R> {
    return this.#prepared(sql).iterate(...values) as IterableIterator<R>;
  }

  /** Number of rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    this.writes++;
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Inserts one row; its number. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    this.writes++;
    return Number(this.#prepared(sql).run(...values).lastInsertRowid);
  }

  close(): void {
    this.#statements.clear();
    this.raw.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.raw.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** The only writer. A commit that returned is on the disk (`synchronous=FULL`, `fullfsync` where the system has it). */
export function openWriter(file: string, maxBytes?: number): Database {
  const raw = opened(file, false);
  raw.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA secure_delete = ON;
    PRAGMA journal_size_limit = 67108864;
    PRAGMA cache_size = -16384;
  `);
  if (maxBytes !== undefined) {
    const pages = Math.max(1, Math.floor(maxBytes / pageSize(raw)));
    raw.exec(`PRAGMA max_page_count = ${pages}`);
  }
  return new Database(raw);
}

/** Only moves pages of the log into the database, with the same regard for the disk as the writer. */
export function openMover(file: string): Database {
  const raw = opened(file, false);
  raw.exec('PRAGMA synchronous = FULL; PRAGMA checkpoint_fullfsync = ON');
  return new Database(raw);
}

/** Sees everything that was committed before each statement (or each `BEGIN`). */
export function openReader(file: string): Database {
  const raw = opened(file, true);
  raw.exec('PRAGMA cache_size = -8192');
  return new Database(raw);
}

function opened(file: string, readOnly: boolean): DatabaseSync {
  let raw: DatabaseSync | undefined;
  try {
    raw = new DatabaseSync(file, { readOnly, timeout: 5_000, enableForeignKeyConstraints: true });
    raw.exec('PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY');
    const version = (raw.prepare('SELECT sqlite_version() AS v').get() as { v: string }).v;
    requireSoundSqlite(version);
    return raw;
  } catch (error) {
    raw?.close();
    if (error instanceof SignalboxError) throw error;
    throw new SignalboxError('STORE_DOWN', `\`${file}\` could not be opened: ${said(error)}`, {
      cause: error,
    });
  }
}

export function requireSoundSqlite(version: string): void {
  const found = version.split('.').map(Number);
  for (const [index, least] of OLDEST_SQLITE.entries()) {
    const part = found[index] ?? 0;
    if (part > least) return;
    if (part < least || Number.isNaN(part))
      throw new SignalboxError(
        'STORE_DOWN',
        `SQLite \`${version}\` can damage a write-ahead log, expected ${OLDEST_SQLITE.join('.')} or newer`,
        { help: 'run it with the newest Node 24' },
      );
  }
}

function pageSize(raw: DatabaseSync): number {
  return (raw.prepare('PRAGMA page_size').get() as { page_size: number }).page_size;
}

/** SQLite's primary result code; null for what SQLite did not throw. */
export function sqliteCode(error: unknown): number | null {
  const code: unknown = error instanceof Error && 'errcode' in error ? error.errcode : null;
  return typeof code === 'number' ? code & 0xff : null;
}

export const SQLITE_CONSTRAINT = 19;
export const SQLITE_BUSY = 5;

export function said(error: unknown): string {
  return error instanceof Error ? error.message : 'an unknown fault';
}
