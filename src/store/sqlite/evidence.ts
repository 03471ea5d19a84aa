import { SignalboxError } from '../../domain/errors.ts';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import type { SealedRecord } from '../../ledger/checkpoint.ts';
import { emptyProjection, fold } from '../../ledger/projections.ts';
import { keyCheck, unwrapChainKey, wrappingKey } from '../../ledger/seal.ts';
import { type KeyOf, type StoredRecord, Verification } from '../../ledger/verify.ts';
import { type StoredTree, type TreeReport, TreeVerification } from '../../ledger/verify-tree.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { TableComparison } from '../tables.ts';
import { type Database, said, sqliteCode } from './database.ts';
import { openExisting } from './lock.ts';
import { checkSchema } from './migrate.ts';
import { readTiles } from './op-seal.ts';
import { hasTree } from './seal-reads.ts';
import { TableRows } from './table-rows.ts';

export interface VerifyOptions {
  /** A data directory; a Signalbox may be running on it. */
  readonly directory: string;
  /** Without it the chains are checked and the payloads are not. */
  readonly masterKey: Uint8Array | null;
  /** Lets others have the thread; called every few hundred records. */
  readonly pause?: () => Promise<void>;
}

const BETWEEN_PAUSES = 256;

/** Throws SignalboxError `STORE_DOWN`, `STORE_NEWER`, or `MASTER_KEY` when the key is another store's. */
export async function verifyStore(options: VerifyOptions): Promise<Evidence> {
  const database = openExisting(options.directory);
  try {
    return await verifyDatabase(database, options);
  } finally {
    database.close();
  }
}

/** The same on an open connection, in its transaction when there is one. */
export async function verifyDatabase(
  database: Database,
  options: Pick<VerifyOptions, 'masterKey' | 'pause'>,
): Promise<Evidence> {
  checkSchema(database);
  const own = !database.raw.isTransaction;
  if (own) database.run('BEGIN');
  try {
    const verification = new Verification(keysOf(database, options.masterKey));
    const tables = new TableComparison(new TableRows(database), emptyProjection(), fold);
    let count = 0;
    for (const record of recordsOf(database)) {
      const event = verification.add(record);
      const compared = tables.add(record.chain, event);
      if (compared !== undefined) await compared;
      if (++count % BETWEEN_PAUSES === 0) await options.pause?.();
    }
    const report = verification.finish();
    const { compared, differences } = await tables.finish();
    const tree = await verifyTree(database, options.pause);
    return evidenceOf(report, tree, compared, differences);
  } catch (error) {
    if (sqliteCode(error) === null) throw error;
    throw new SignalboxError('LEDGER_BROKEN', `the store cannot be read: ${said(error)}`, {
      cause: error,
    });
  } finally {
    if (own) database.run('COMMIT');
  }
}

/** The whole tree again from the records, in the order in which they were sealed: that of their places. */
async function verifyTree(database: Database, pause: VerifyOptions['pause']): Promise<TreeReport> {
  const there = hasTree(database);
  const stored = there
    ? database.one<StoredTree>(
        `SELECT verifier, ${exact('size')}, ${exact('signed_size', 'signed')},
           signed_root AS root, checkpoint FROM tree`,
      )
    : undefined;
  const tree = new TreeVerification(stored ?? null, async (at) => readTiles(database, [at])[0]);
  let count = 0;
  const sql = `SELECT chain, ${exact('seq')}, hash FROM events ORDER BY id`;
  for (const record of database.each<SealedRecord>(sql)) {
    const compared = tree.add(record);
    if (compared !== undefined) await compared;
    if (++count % BETWEEN_PAUSES === 0) await pause?.();
  }
  const tiles = there ? database.one<{ n: number }>('SELECT count(*) AS n FROM tiles') : undefined;
  return tree.finish(tiles?.n ?? 0);
}

/** JavaScript cannot hold every integer of SQLite; one it cannot hold is none that we wrote. */
const exact = (column: string, name = column): string =>
  `iif(abs(${column}) <= 9007199254740991, ${column}, -1) AS ${name}`;

function* recordsOf(database: Database): Generator<StoredRecord> {
  const numbers = ['id', 'seq', 'at'].map((column) => exact(`${column}`)).join(', ');
  const columns = `${numbers}, chain, type, body, previous, hash, sealed`;
  const from = `SELECT ${columns} FROM events LEFT JOIN payloads USING (id)`;
  yield* database.each<LedgerEvent & StoredRecord>(
    `${from} WHERE chain = ? ORDER BY events.seq`,
    SYSTEM_CHAIN,
  );
  yield* database.each<LedgerEvent & StoredRecord>(
    `${from} WHERE chain <> ? ORDER BY chain, events.seq`,
    SYSTEM_CHAIN,
  );
}

function keysOf(database: Database, masterKey: Uint8Array | null): KeyOf {
  if (masterKey === null) return () => undefined;
  const control = database.one<{ key_check: string }>('SELECT key_check FROM control');
  if (control !== undefined && control.key_check !== keyCheck(masterKey))
    throw new SignalboxError('MASTER_KEY', 'this master key is not the one of this store');
  const wrapping = wrappingKey(masterKey);
  return (chain) => {
    const row = database.one<{ wrapped: Uint8Array }>(
      'SELECT wrapped FROM chain_keys WHERE chain = ?',
      chain,
    );
    if (row === undefined) return null;
    try {
      return unwrapChainKey(wrapping, chain, row.wrapped);
    } catch {
      return null;
    }
  };
}
