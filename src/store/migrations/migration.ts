/** One step of the schema. Never edited once released: its checksum is kept in every store. */
export interface Migration {
  /** Contiguous from 1. */
  readonly number: number;
  readonly name: string;
  /** The old program cannot use the data any more, not even read it: going back needs a backup. */
  readonly breaking: boolean;
  readonly sqlite: string;
}
