import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SignalboxError } from '../../domain/errors.ts';
import { type Database, openReader, SQLITE_BUSY, said, sqliteCode } from './database.ts';

export const DATABASE_FILE = 'signalbox.db';
const LOCK_FILE = 'signalbox.lock';

/**
 * Makes the data directory ours until `release`, or until this process ends however it ends: the operating system
 * holds the lock (SQLite takes it on an empty database that is never written), so a killed owner leaves none behind.
 * Throws SignalboxError `STORE_LOCKED` or `STORE_DOWN`.
 */
export function lockDirectory(directory: string): { release(): void } {
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const file of [LOCK_FILE, DATABASE_FILE]) {
      // SQLite would make it with the mode of the umask, and gives its other files the mode of this one.
      closeSync(openSync(join(directory, file), 'a', 0o600));
    }
    lock = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 });
    lock.exec('PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    if (sqliteCode(error) === SQLITE_BUSY)
      throw new SignalboxError('STORE_LOCKED', `\`${directory}\` is in use by another process`);
    throw new SignalboxError('STORE_DOWN', `\`${directory}\` cannot be used: ${said(error)}`, {
      cause: error,
    });
  }
  const held = lock;
  return {
    release() {
      if (held.isOpen) held.close();
    },
  };
}

/** A data directory to look at, whether a Signalbox runs on it or not. Throws SignalboxError `STORE_DOWN`. */
export function openExisting(directory: string): Database {
  const file = join(directory, DATABASE_FILE);
  if (!existsSync(file))
    throw new SignalboxError('STORE_DOWN', `expected a store in \`${directory}\``, {
      help: 'name the data directory of `signalbox up`',
    });
  return openReader(file);
}
