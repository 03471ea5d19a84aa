import { SignalboxError } from '../../domain/errors.ts';

/*
 * A store on its way: to a file, from one, or into another store of either kind. What is carried is every table in
 * rows of plain values, and all of one moment. Payloads, keys and secrets stay sealed under the same master key.
 *
 * `events.id` is dense here, whatever it was at its source: the place of a record in the ledger and, where the ledger is
 * sealed, of its leaf in the tree. A payload is found by chain and number.
 */

export type Value = string | number | null | Uint8Array;

export interface CarriedHead {
  readonly ledger: string;
  readonly keyCheck: string;
  /** The last schema step that the source has taken. */
  readonly schema: number;
}

/** One table; its rows come in pages. */
export interface CarriedTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly pages: AsyncIterable<readonly (readonly Value[])[]>;
}

export interface Source {
  head(): Promise<CarriedHead>;
  /** In an order in which no row refers to a later one. */
  tables(): AsyncIterable<CarriedTable>;
  close(): Promise<void>;
}

export interface Target {
  /** Makes the schema of the source. Throws SignalboxError `STORE_LOCKED` unless it is empty. */
  begin(head: CarriedHead): Promise<void>;
  write(
    table: Pick<CarriedTable, 'name' | 'columns'>,
    rows: readonly (readonly Value[])[],
  ): Promise<void>;
  /** Makes it all durable at once. */
  finish(): Promise<void>;
  /** Nothing of it is kept unless `finish` was. */
  close(): Promise<void>;
}

export interface Carried {
  readonly ledger: string;
  readonly keyCheck: string;
  readonly schema: number;
  readonly rows: number;
  readonly tables: number;
}

/** These come first and in this order, because others refer to them; the rest as it comes. */
export const FIRST_TABLES = [
  'control',
  'bundles',
  'events',
  'payloads',
  'chain_keys',
  'runs',
  'actions',
  'approvals',
];

/** What is a store's own business: which steps it took, and what follows from the rest or from nobody being there. */
export const OWN_TABLES = new Set(['migrations', 'replicas', 'chain_heads', 'leaves', 'unsealed']);

export function inOrder(names: readonly string[]): string[] {
  const carried = names.filter((name) => !OWN_TABLES.has(name));
  const first = FIRST_TABLES.filter((name) => carried.includes(name));
  return [...first, ...carried.filter((name) => !FIRST_TABLES.includes(name)).toSorted()];
}

/** Throws what either end throws; then the target has nothing. */
export async function carry(source: Source, target: Target): Promise<Carried> {
  const head = await source.head();
  await target.begin(head);
  let rows = 0;
  let tables = 0;
  for await (const { name, columns, pages } of source.tables()) {
    tables++;
    for await (const page of pages) {
      await target.write({ name, columns }, page);
      rows += page.length;
    }
  }
  await target.finish();
  return { ...head, rows, tables };
}

export function notEmpty(what: string): SignalboxError {
  return new SignalboxError('STORE_LOCKED', `${what} is not empty`, {
    help: 'name an empty one: a store is never written over',
  });
}
