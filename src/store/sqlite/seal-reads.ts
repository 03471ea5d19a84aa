import type { Seal, Store } from '../../domain/store.ts';
import type { Database } from './database.ts';
import { openExisting } from './lock.ts';
import { checkSchema } from './migrate.ts';
import { readTiles } from './op-seal.ts';

interface SealRow {
  readonly verifier: string;
  readonly signer: Uint8Array;
  readonly size: number;
  readonly last: number;
  readonly checkpoint: string | null;
  readonly at: number | null;
}

/** Null before the first seal. */
export function sealOf(database: Database): Seal | null {
  const row = database.one<SealRow>(
    `SELECT verifier, signer, size, checkpoint, signed_at AS at,
       (SELECT max(id) FROM events) AS last FROM tree`,
  );
  if (row === undefined) return null;
  const { verifier, signer, size, last, checkpoint: note, at } = row;
  const checkpoint = note === null || at === null ? null : { note, at };
  return { verifier, signer, size, unsealed: last - size, checkpoint };
}

/** Null while the record is not in the tree, or is not at all. */
export function leafOf(database: Database, chain: string, seq: number): number | null {
  const row = database.one<{ leaf: number }>(
    `SELECT id - 1 AS leaf FROM events
     WHERE chain = ? AND seq = ? AND id <= (SELECT size FROM tree)`,
    chain,
    seq,
  );
  return row?.leaf ?? null;
}

/** A store that this program never opened for writing has none yet. */
export function hasTree(database: Database): boolean {
  return database.one("SELECT 1 FROM sqlite_schema WHERE name = 'tree'") !== undefined;
}

/** The signed tree of a store that is looked at; to be closed. */
export type TreeFace = Pick<Store, 'seal' | 'tiles'> & { close(): Promise<void> };

/** The tree of a data directory, whether a Signalbox runs on it or not. Throws SignalboxError `STORE_DOWN`, `STORE_NEWER`. */
export function openTree(directory: string): TreeFace {
  const database = openExisting(directory);
  try {
    checkSchema(database);
    const isThere = hasTree(database);
    return {
      seal: async () => (isThere ? sealOf(database) : null),
      tiles: async (places) => (isThere ? readTiles(database, places) : []),
      close: async () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
