import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MIGRATIONS } from '../migrations/all.ts';
import type { Migration } from '../migrations/migration.ts';
import { checksumOf, missing, requireKnown, type Taken } from '../schema.ts';
import { type Database, openReader, openWriter } from './database.ts';
import { DATABASE_FILE, lockDirectory } from './lock.ts';

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
  for (const migration of missing(applied(database), migrations)) step(database, migration, at);
}

/** Throws unless every step this store has taken is one we know. */
export function checkSchema(
  database: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): void {
  requireKnown(applied(database), 'sqlite', migrations);
}

function applied(database: Database): Taken[] {
  return database.all<Taken>('SELECT number, checksum FROM migrations ORDER BY number');
}

function step(database: Database, migration: Migration, at: number): void {
  database.raw.exec('BEGIN IMMEDIATE');
  try {
    database.raw.exec(migration.sqlite);
    database.run(
      'INSERT INTO migrations (number, name, checksum, breaking, at) VALUES (?, ?, ?, ?, ?)',
      migration.number,
      migration.name,
      checksumOf(migration, 'sqlite'),
      migration.breaking ? 1 : 0,
      at,
    );
    database.raw.exec('COMMIT');
  } catch (error) {
    if (database.raw.isTransaction) database.raw.exec('ROLLBACK');
    throw error;
  }
}

/** The steps a data directory has taken; none where there is no store yet. A Signalbox may be running on it. */
export function takenIn(directory: string): readonly Taken[] {
  const file = join(directory, DATABASE_FILE);
  if (!existsSync(file)) return [];
  const database = openReader(file);
  try {
    const made = database.one(`SELECT 1 AS made FROM sqlite_schema WHERE name = 'migrations'`);
    return made === undefined ? [] : applied(database);
  } finally {
    database.close();
  }
}

/** Takes the missing steps in a data directory that nobody uses. Throws SignalboxError `STORE_LOCKED`, `STORE_DOWN`. */
export function migrateDirectory(directory: string, at: number): void {
  const lock = lockDirectory(directory);
  try {
    const database = openWriter(join(directory, DATABASE_FILE));
    try {
      migrate(database, at);
    } finally {
      database.close();
    }
  } finally {
    lock.release();
  }
}
