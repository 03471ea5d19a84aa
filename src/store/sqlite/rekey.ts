import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RekeyOrder, Rewrapped } from '../../domain/rekey.ts';
import type { Bytes } from '../../ledger/seal.ts';
import { Rewrapper } from '../rekey.ts';
import { Chains } from './chains.ts';
import { type Database, openWriter } from './database.ts';
import { DATABASE_FILE, lockDirectory, openExisting } from './lock.ts';
import { migrate } from './migrate.ts';

const PAGE = 1_000;

/** A data directory that nobody uses, and none can while this is open. */
export class SqliteAtRest {
  readonly keyCheck: string | null;
  readonly #database: Database;
  readonly #bytes: Bytes;
  readonly #at: number;
  readonly #release: () => void;

  private constructor(database: Database, bytes: Bytes, at: number, release: () => void) {
    this.#database = database;
    this.#bytes = bytes;
    this.#at = at;
    this.#release = release;
    this.keyCheck = checkIn(database);
  }

  /** `at`: ms since the epoch. Throws SignalboxError `STORE_DOWN`, `STORE_LOCKED`, `STORE_NEWER`. */
  static open(directory: string, bytes: Bytes, at: number): SqliteAtRest {
    openExisting(directory).close();
    const lock = lockDirectory(directory);
    let database: Database | null = null;
    try {
      database = openWriter(join(directory, DATABASE_FILE));
      migrate(database, at);
      return new SqliteAtRest(database, bytes, at, () => lock.release());
    } catch (error) {
      database?.close();
      lock.release();
      throw error;
    }
  }

  async rekey(order: RekeyOrder): Promise<Rewrapped> {
    const database = this.#database;
    const under = new Rewrapper(order, this.#bytes);
    database.run('BEGIN IMMEDIATE');
    try {
      this.#chains(under);
      this.#secrets(under);
      this.#signer(under);
      const added = this.#add(order);
      database.run('UPDATE control SET key_check = ?', under.keyCheck);
      const chains = new Chains(database, under.wrapping.to, this.#bytes);
      for (const record of under.records(this.#at, added)) chains.append(record);
      database.run('COMMIT');
    } catch (error) {
      if (database.raw.isTransaction) database.run('ROLLBACK');
      throw error;
    }
    // what lay under the old key is in the log until that is emptied
    database.raw.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return under.done;
  }

  async close(): Promise<void> {
    this.#database.close();
    this.#release();
  }

  #chains(under: Rewrapper): void {
    const some = (after: string) =>
      this.#database.all<{ chain: string; wrapped: Uint8Array }>(
        'SELECT chain, wrapped FROM chain_keys WHERE chain > ? ORDER BY chain LIMIT ?',
        after,
        PAGE,
      );
    for (let page = some(''); page.length > 0; page = some(page.at(-1)?.chain ?? ''))
      for (const { chain, wrapped } of page) {
        const now = under.chain(chain, wrapped);
        if (now !== null)
          this.#database.run('UPDATE chain_keys SET wrapped = ? WHERE chain = ?', now, chain);
      }
  }

  #secrets(under: Rewrapper): void {
    const all = this.#database.all<{ name: string; sealed: string }>(
      'SELECT name, sealed FROM secrets',
    );
    for (const { name, sealed } of all) {
      const now = under.secret(name, sealed);
      if (now !== null)
        this.#database.run('UPDATE secrets SET sealed = ? WHERE name = ?', now, name);
    }
  }

  #signer(under: Rewrapper): void {
    const tree = this.#database.one<{ verifier: string; signer: Uint8Array }>(
      'SELECT verifier, signer FROM tree',
    );
    const now = tree === undefined ? null : under.signer(tree.verifier, tree.signer);
    if (now !== null) this.#database.run('UPDATE tree SET signer = ?', now);
  }

  /** Its version, or null when there was one of that name. */
  #add({ add }: RekeyOrder): number | null {
    const made = this.#database.run(
      'INSERT INTO secrets (name, sealed, version, at) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING',
      add.name,
      add.sealed,
      this.#at,
    );
    return made === 1 ? 1 : null;
  }
}

/** Whether a Signalbox runs on it or not; null when there is no store, or nothing in it. */
export function sqliteKeyCheck(directory: string): string | null {
  if (!existsSync(join(directory, DATABASE_FILE))) return null;
  const database = openExisting(directory);
  try {
    const made = database.one(`SELECT 1 AS made FROM sqlite_schema WHERE name = 'control'`);
    return made === undefined ? null : checkIn(database);
  } finally {
    database.close();
  }
}

function checkIn(database: Database): string | null {
  return database.one<{ check: string }>('SELECT key_check AS "check" FROM control')?.check ?? null;
}
