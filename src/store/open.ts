import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { Evidence } from './evidence.ts';
import { postgresAddress } from './postgres/address.ts';
import { verifyPostgres } from './postgres/evidence.ts';
import { openPostgresTree } from './postgres/seal-reads.ts';
import { openPostgresStore } from './postgres/store.ts';
import { verifyStore } from './sqlite/evidence.ts';
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
