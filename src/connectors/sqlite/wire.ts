import type { Deed } from './binding.ts';

/** A value of SQLite as it crosses to the other process: 64-bit numbers as they are, blobs as bytes. */
export type Value = null | number | bigint | string | Uint8Array;
export type Row = Readonly<Record<string, Value>>;

export interface Statement {
  readonly sql: string;
  readonly values: Readonly<Record<string, Value>>;
  readonly deeds: readonly Deed[];
  readonly tables: readonly string[];
  readonly fingerprint: string;
  readonly maxRows: number;
}

/** What the process that holds the file is asked, one at a time. */
export type Question =
  | { readonly ask: 'study'; readonly sql: string }
  | ({ readonly ask: 'read' } & Statement)
  /** Begins a transaction, runs, measures; it is left open. */
  | ({ readonly ask: 'write' } & Statement)
  | { readonly ask: 'commit' }
  | { readonly ask: 'rollback' };

export interface Studied {
  readonly deeds: readonly Deed[];
  readonly columns: readonly string[];
  readonly tables: readonly string[];
  readonly fingerprint: string;
  /** Of triggers that it fires. */
  readonly triggers: readonly { readonly name: string; readonly sql: string }[];
}

export interface Change {
  readonly table: string;
  readonly verb: 'insert' | 'update' | 'delete';
  readonly columns: readonly { readonly name: string; readonly key: boolean }[];
  /** By position; undefined where a change does not say. */
  readonly before: readonly (Value | undefined)[] | null;
  readonly after: readonly (Value | undefined)[] | null;
}

export interface Ran {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
  /** There are more. */
  readonly more: boolean;
  /** Rows that SQLite says were changed, cascades and triggers included. */
  readonly changed: number;
  readonly changes: readonly Change[];
}

export type Answer =
  | { readonly ok: true; readonly value: Studied | Ran | null }
  | { readonly ok: false; readonly why: 'refused' | 'busy' | 'drifted'; readonly message: string };
