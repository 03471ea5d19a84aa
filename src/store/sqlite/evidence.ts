import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SignalboxError } from '../../domain/errors.ts';
import { type LedgerEvent, SYSTEM_CHAIN } from '../../domain/store.ts';
import { emptyProjection, fold } from '../../ledger/projections.ts';
import { keyCheck, unwrapChainKey, wrappingKey } from '../../ledger/seal.ts';
import { type KeyOf, type StoredRecord, Verification } from '../../ledger/verify.ts';
import { type Evidence, evidenceOf } from '../evidence.ts';
import { TableComparison } from '../tables.ts';
import { type Database, openReader, said, sqliteCode } from './database.ts';
import { DATABASE_FILE } from './lock.ts';
import { checkSchema } from './migrate.ts';
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
  const file = join(options.directory, DATABASE_FILE);
  if (!existsSync(file))
    throw new SignalboxError('STORE_DOWN', `expected a store in \`${options.directory}\``, {
      help: 'name the data directory of `signalbox up`',
    });
  const database = openReader(file);
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
    return evidenceOf(report, compared, differences);
  } catch (error) {
    if (sqliteCode(error) === null) throw error;
    throw new SignalboxError('LEDGER_BROKEN', `the store cannot be read: ${said(error)}`, {
      cause: error,
    });
  } finally {
    if (own) database.run('COMMIT');
  }
}

/** JavaScript cannot hold every integer of SQLite; one it cannot hold is none that we wrote. */
const exact = (column: string): string =>
  `iif(abs(${column}) <= 9007199254740991, ${column}, -1) AS ${column}`;

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
