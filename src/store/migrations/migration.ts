/**
 * One step of the schema, in both dialects. Never edited once released: its checksum (of its own dialect) is kept in
 * every store. In PostgreSQL names are unqualified: the store lives in the first schema of the search path.
 */
export interface Migration {
  /** Contiguous from 1. */
  readonly number: number;
  readonly name: string;
  /** The old program cannot use the data any more, not even read it: going back needs a backup. */
  readonly breaking: boolean;
  readonly sqlite: string;
  /** PostgreSQL 14 and later, run by a plain owner of the schema: no extension, nothing that needs a superuser. */
  readonly postgres: string;
}
