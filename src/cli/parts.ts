import type { HaltFile } from '../domain/halt-file.ts';
import type { Rotated } from '../domain/rekey.ts';
import type { Store } from '../domain/store.ts';

export type TreeFace = Pick<Store, 'seal' | 'tiles'>;

/** What commands need of the house when they work on this machine; given by main.ts. */
export interface Parts {
  readonly version: string;
  readonly start: (options: StartOptions) => Promise<Running>;
  /** The file of local halts in a data directory, whether a Signalbox runs on it or not. */
  readonly haltFile: (directory: string) => HaltFile;
  /** Re-reads the ledger of a store, whether a Signalbox runs on it or not; the key is in the data directory. */
  readonly verify: (store: StoreAt) => Promise<{ readonly ok: boolean }>;
  /** The signed tree of a store, likewise; to be closed. */
  readonly treeOf: (store: StoreAt) => Promise<TreeFace & { close(): Promise<void> }>;
  readonly store: StoreWorks;
  readonly keys: KeyWorks;
}

/** A PostgreSQL database that several replicas share. */
export interface SharedStoreAt {
  /** Without a password. */
  readonly url: string;
  readonly password: string;
  readonly ca?: string;
}

/** The store of a data directory, unless it is shared; the master key is in the directory either way. */
export interface StoreAt {
  readonly directory: string;
  readonly shared?: SharedStoreAt;
}

/** What became of a store that was carried somewhere. */
export interface CarriedStore {
  readonly ledger: string;
  readonly schema: number;
  readonly tables: number;
  readonly rows: number;
}

export interface ArrivedStore extends CarriedStore {
  readonly ok: boolean;
  readonly payloads: 'verified' | 'unopened';
  readonly problems: readonly string[];
}

/** Work on a store that no API can do. The master key, where it matters, is that of the data directory. */
export interface StoreWorks {
  /** `apply` false: only says what is missing. */
  migrate(
    at: StoreAt,
    apply: boolean,
  ): Promise<{
    readonly taken: number;
    readonly steps: readonly {
      readonly number: number;
      readonly name: string;
      readonly breaking: boolean;
    }[];
  }>;
  backup(at: StoreAt, file: string): Promise<CarriedStore>;
  restore(file: string, at: StoreAt): Promise<ArrivedStore>;
  /** Restores to nowhere. */
  check(file: string, at: StoreAt): Promise<ArrivedStore>;
  move(from: StoreAt, to: StoreAt): Promise<ArrivedStore>;
}

/** The master key of a store that nobody uses; it is in the data directory, or what that says of it. */
export interface KeyWorks {
  /** `source`: a file that says where the new one comes from. */
  rotate(at: StoreAt, source: string | null): Promise<Rotated>;
  /** What was removed of the one before. */
  forgetOld(at: StoreAt): Promise<readonly string[]>;
}

export interface StartOptions extends StoreAt {
  /** Where systemd puts the credentials of a service; null outside of one. */
  readonly credentials: string | null;
  /** A file that signed checkpoints are appended to. */
  readonly checkpoints?: string;
  readonly agents: { readonly host: string; readonly port: number };
  readonly operators: { readonly host: string; readonly port: number };
  readonly log: (line: string) => void;
}

export interface Running {
  readonly agentsUrl: string;
  readonly operatorsUrl: string;
  /** For the first owner; null once there is one. */
  readonly setupCode: string | null;
  /** Halts this machine at once, store or no store: what the halt file says, and everything when there is none. */
  haltHere(reason: string): Promise<void>;
  close(): Promise<void>;
}
