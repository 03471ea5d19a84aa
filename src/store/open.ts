import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { Bytes } from '../ledger/seal.ts';
import type { Evidence } from './evidence.ts';
import { postgresAddress } from './postgres/address.ts';
import { verifyPostgres } from './postgres/evidence.ts';
import { PostgresAtRest, postgresKeyCheck } from './postgres/rekey.ts';
import { openPostgresTree } from './postgres/seal-reads.ts';
import { openPostgresStore } from './postgres/store.ts';
import { verifyStore } from './sqlite/evidence.ts';
import { SqliteAtRest, sqliteKeyCheck } from './sqlite/rekey.ts';
import { openTree, type TreeFace } from './sqlite/seal-reads.ts';
import { openSqliteStore } from './sqlite/store.ts';

/** A store that several replicas share: a PostgreSQL database (docs/guide/postgresql-store.md). */
export interface SharedStore {
  /** Without a password. */
  readonly url: string;
  readonly password: string;
  /** Certificate authority in PEM. */
  readonly ca?: string;
}

/** Where a store is: a data directory, unless it is shared. */
export interface Whereabouts {
  readonly directory: string;
  readonly shared?: SharedStore;
}

export interface StoreOptions extends Whereabouts {
  readonly masterKey: Uint8Array;
  readonly doors: Doors;
  readonly soon: (flush: () => void) => void;
}

/** Throws SignalboxError `USAGE`, `STORE_LOCKED`, `STORE_NEWER`, `MASTER_KEY`, `STORE_DOWN`. */
export function openStore({ directory, shared, ...options }: StoreOptions): Promise<Store> {
  return shared === undefined
    ? openSqliteStore({ directory, ...options })
    : openPostgresStore({ address: postgresAddress(shared), ...options });
}

/** Re-reads all of it, whether a Signalbox runs on it or not. */
export function verifyAt(
  { directory, shared }: Whereabouts,
  options: { readonly masterKey: Uint8Array | null; readonly pause?: () => Promise<void> },
): Promise<Evidence> {
  return shared === undefined
    ? verifyStore({ directory, ...options })
    : verifyPostgres({ address: postgresAddress(shared), ...options });
}

/** Its signed tree, likewise; to be closed. */
export async function treeAt({ directory, shared }: Whereabouts): Promise<TreeFace> {
  return shared === undefined ? openTree(directory) : openPostgresTree(postgresAddress(shared));
}

/** What tells the master key of a store from another one; null where there is no store yet. */
export async function keyCheckAt({ directory, shared }: Whereabouts): Promise<string | null> {
  return shared === undefined
    ? sqliteKeyCheck(directory)
    : postgresKeyCheck(postgresAddress(shared));
}

/** A store that nobody uses, to be put under another master key; to be closed. Throws SignalboxError `STORE_LOCKED`. */
export async function storeAtRest(
  { directory, shared }: Whereabouts,
  { bytes, at }: { readonly bytes: Bytes; readonly at: number },
): Promise<SqliteAtRest | PostgresAtRest> {
  return shared === undefined
    ? SqliteAtRest.open(directory, bytes, at)
    : PostgresAtRest.open(postgresAddress(shared), bytes, at);
}
