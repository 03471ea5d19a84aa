import { sha256 } from '../../domain/digest.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { MIGRATIONS } from '../migrations/all.ts';
import type { Migration } from '../migrations/migration.ts';
import type { Database } from './database.ts';

interface Applied {
  readonly number: number;
  readonly checksum: string;
}

/**
 * Brings the schema up to date, each step in a transaction of its own. Throws SignalboxError `STORE_NEWER` when a newer
 * program has been here, `STORE_DOWN` when a released step was edited.
 */
export function migrate(
  database: Database,
  at: number,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  database.raw.exec(`CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL,
    breaking INTEGER NOT NULL, at INTEGER NOT NULL) STRICT`);
  checkSchema(database, migrations);
  const done = new Set(applied(database).map(({ number }) => number));
  for (const migration of migrations) {
    if (!done.has(migration.number)) step(database, migration, at);
  }
}

/** Throws unless every step this store has taken is one we know. */
export function checkSchema(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  const known = new Map(migrations.map((migration) => [migration.number, migration]));
  for (const { number, checksum } of applied(database)) {
    const migration = known.get(number);
    if (migration === undefined)
      throw new SignalboxError(
        'STORE_NEWER',
        `the store has schema ${number}, this program knows up to ${Math.max(...known.keys())}`,
      );
    if (checksumOf(migration) !== checksum)
      throw new SignalboxError(
        'STORE_DOWN',
        `schema step ${number} is not the one this store was made with`,
        { help: 'install a released Signalbox: a released schema step never changes' },
      );
  }
}

function applied(database: Database): Applied[] {
  return database.all<Applied>('SELECT number, checksum FROM migrations ORDER BY number');
}

function step(database: Database, migration: Migration, at: number): void {
  database.raw.exec('BEGIN IMMEDIATE');
  try {
    database.raw.exec(migration.sqlite);
    database.run(
      'INSERT INTO migrations (number, name, checksum, breaking, at) VALUES (?, ?, ?, ?, ?)',
      migration.number,
      migration.name,
      checksumOf(migration),
      migration.breaking ? 1 : 0,
      at,
    );
    database.raw.exec('COMMIT');
  } catch (error) {
    if (database.raw.isTransaction) database.raw.exec('ROLLBACK');
    throw error;
  }
}

function checksumOf(migration: Migration): string {
  return sha256(
    `${migration.number}\n${migration.name}\n${migration.breaking}\n${migration.sqlite}`,
  );
}
