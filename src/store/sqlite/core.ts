import { EMPTY_BUNDLE } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Op, OpResults } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import { ledgerCreated } from '../../ledger/record.ts';
import { type Bytes, keyCheck, wrappingKey } from '../../ledger/seal.ts';
import { Chains } from './chains.ts';
import { type Database, openWriter, SQLITE_CONSTRAINT, said, sqliteCode } from './database.ts';
import { migrate } from './migrate.ts';
import { admit, decline, mark, park, settle } from './op-actions.ts';
import { answer, voidApproval } from './op-approvals.ts';
import { inert, lift, raise } from './op-halts.ts';
import { addOperator, enrol, issue, renew, revoke, setSecret } from './op-identity.ts';
import { applyBundle, erase, note, writeLease } from './op-ledger.ts';
import { beginRun, endRun } from './op-runs.ts';
import type { Transaction } from './transaction.ts';

type Handlers = {
  readonly [K in Op['kind']]: (
    tx: Transaction,
    op: Extract<Op, { readonly kind: K }>,
  ) => OpResults[K];
};

const HANDLERS: Handlers = {
  'bundle.apply': applyBundle,
  'run.begin': beginRun,
  'run.end': endRun,
  'action.admit': admit,
  'action.mark': mark,
  'action.settle': settle,
  'action.decline': decline,
  'action.park': park,
  'approval.answer': answer,
  'approval.void': voidApproval,
  'halt.raise': raise,
  'halt.inert': inert,
  'halt.lift': lift,
  'lease.write': writeLease,
  'token.issue': issue,
  'token.renew': renew,
  'token.revoke': revoke,
  'agent.enrol': enrol,
  'operator.add': addOperator,
  'secret.set': setSecret,
  'ledger.erase': erase,
  'system.note': note,
};

/** What became of one op: its answer, or the fault that took it back alone. */
export type Applied =
  | { readonly result: OpResults[Op['kind']] }
  | { readonly fault: SignalboxError };

export interface CoreOptions {
  /** Path of the database, or `:memory:`. */
  readonly file: string;
  readonly masterKey: Uint8Array;
  readonly bytes: Bytes;
  /** Time of opening, ms since the epoch: when a new ledger was created. */
  readonly at: number;
  /** The size at which the store stops, for good. */
  readonly maxBytes?: number;
}

/** Opens or creates. Throws SignalboxError `MASTER_KEY`, `STORE_NEWER`, `STORE_DOWN`. */
export function openSqliteCore(options: CoreOptions): SqliteCore {
  const database = openWriter(options.file, options.maxBytes);
  try {
    migrate(database, options.at);
    const chains = new Chains(database, wrappingKey(options.masterKey), options.bytes);
    found(database, chains, options);
    return new SqliteCore(database, chains);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The synchronous store: many small transactions, one commit. Used in a worker, and by the simulator on one thread. */
export class SqliteCore {
  readonly database: Database;
  readonly #tx: Transaction;
  #down: SignalboxError | null = null;
  /** True until the log is known to hold nothing erased: also at first, since a crash may have left some. */
  #isLogDue = true;

  constructor(database: Database, chains: Chains) {
    this.database = database;
    this.#tx = { database, chains };
  }

  /**
   * Applies all ops in order and makes them durable together; the answers are in the order of the ops. An op that is
   * refused or fails changes nothing and leaves the others alone. Throws SignalboxError `STORE_DOWN` when nothing of the
   * batch may be believed; from then on it throws for ever.
   */
  apply(ops: readonly Op[]): Applied[] {
    if (this.#down !== null) throw this.#down;
    try {
      this.database.run('BEGIN IMMEDIATE');
      const applied = ops.map((op) => this.#one(op));
      this.database.run('COMMIT');
      const erased = ops.some(({ kind }) => kind === 'ledger.erase');
      if (erased || this.#isLogDue) this.#scrub(erased ? 100 : 0);
      return applied;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  close(): void {
    this.#down ??= new SignalboxError('STORE_DOWN', 'the store is closed');
    if (this.database.raw.isOpen) this.database.close();
  }

  #one(op: Op): Applied {
    const { database, chains } = this.#tx;
    database.run('SAVEPOINT op');
    try {
      const handler = HANDLERS[op.kind] as (tx: Transaction, op: Op) => OpResults[Op['kind']];
      const result = handler(this.#tx, op);
      if (result.ok) chains.settle();
      else this.#takeBack();
      database.run('RELEASE op');
      return { result };
    } catch (error) {
      // The disk, not the op: SQLite may already have rolled everything back.
      const code = sqliteCode(error);
      if ((code !== null && code !== SQLITE_CONSTRAINT) || !database.raw.isTransaction) throw error;
      this.#takeBack();
      database.run('RELEASE op');
      return { fault: faultOf(op, error) };
    }
  }

  #takeBack(): void {
    this.#tx.chains.takeBack();
    this.#tx.database.run('ROLLBACK TO op');
  }

  /** What was erased also lies in the write-ahead log until that is emptied. */
  #scrub(waitMs: number): void {
    // A long reader may hold the log; it is tried again after every commit, and nobody waits for that.
    this.database.raw.exec(`PRAGMA busy_timeout = ${waitMs}`);
    const log = this.database.one<{ busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#isLogDue = log?.busy !== 0;
    this.database.raw.exec('PRAGMA busy_timeout = 5000');
  }

  #fail(error: unknown): SignalboxError {
    this.#down = new SignalboxError('STORE_DOWN', `the store failed: ${said(error)}`, {
      cause: error,
    });
    try {
      this.database.close();
    } catch {
      // It is being given up; the next process recovers from the log.
    }
    return this.#down;
  }
}

function faultOf(op: Op, error: unknown): SignalboxError {
  if (error instanceof SignalboxError) return error;
  return new SignalboxError('INTERNAL', `\`${op.kind}\` was taken back: ${said(error)}`, {
    cause: error,
  });
}

/** First opening: names the ledger. Later ones: holds the master key against the one it was made with. */
function found(database: Database, chains: Chains, options: CoreOptions): void {
  const check = keyCheck(options.masterKey);
  const control = database.one<{ key_check: string }>('SELECT key_check FROM control');
  if (control !== undefined) {
    if (control.key_check !== check)
      throw new SignalboxError('MASTER_KEY', 'this master key is not the one of this store');
    return;
  }
  const ledger = Buffer.from(options.bytes(16)).toString('hex');
  database.run('BEGIN IMMEDIATE');
  database.run(
    'INSERT INTO control (id, ledger, key_check, halt, bundle) VALUES (1, ?, ?, 0, ?)',
    ledger,
    check,
    EMPTY_BUNDLE.digest,
  );
  chains.begin(SYSTEM_CHAIN);
  chains.append(ledgerCreated(ledger, options.at));
  chains.settle();
  database.run('COMMIT');
}
