import { EMPTY_BUNDLE } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Op, OpResults } from '../../domain/ops.ts';
import { SYSTEM_CHAIN } from '../../domain/store.ts';
import { ledgerCreated } from '../../ledger/record.ts';
import { type Bytes, keyCheck, wrappingKey } from '../../ledger/seal.ts';
import type { Drawn } from '../ground.ts';
import { decide, isCommon, type Rare } from '../look-first.ts';
import { type Applied, faultOf, type Work } from '../work.ts';
import { Chains } from './chains.ts';
import { type Database, openWriter, SQLITE_CONSTRAINT, said, sqliteCode } from './database.ts';
import { migrate } from './migrate.ts';
import { answer, voidApproval } from './op-approvals.ts';
import { take } from './op-claims.ts';
import { beginDrill, keepDrill } from './op-drills.ts';
import { inert, lift, raise } from './op-halts.ts';
import {
  addOperator,
  enrol,
  forgetSecret,
  issue,
  renew,
  revoke,
  setSecret,
} from './op-identity.ts';
import { applyBundle, erase, note, writeLease } from './op-ledger.ts';
import { park } from './op-park.ts';
import { beginRun, endRun, say } from './op-runs.ts';
import { SqliteSeals, seal } from './op-seal.ts';
import { Rows } from './rows.ts';
import { Standing } from './standing.ts';
import type { Transaction } from './transaction.ts';

type Handlers = {
  readonly [K in Rare['kind']]: (
    tx: Transaction,
    op: Extract<Op, { readonly kind: K }>,
  ) => OpResults[K];
};

const HANDLERS: Handlers = {
  'bundle.apply': applyBundle,
  'run.begin': beginRun,
  'run.end': endRun,
  'run.say': say,
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
  'secret.forget': forgetSecret,
  'ledger.erase': erase,
  'drill.begin': beginDrill,
  'drill.keep': keepDrill,
  'claim.take': take,
  'ledger.seal': seal,
  'system.note': note,
};

/**
 * Ops that look before they write: one that is refused has written nothing, so it needs no savepoint of its own. Should
 * one fail in writing all the same, the whole commit is taken back and done again with a savepoint around each op.
 */
function looksFirst(op: Work): boolean {
  return isCommon(op) || op.kind === 'ledger.seal';
}

/** A failure after the first write of an op without a savepoint. */
const AGAIN = Symbol('again');

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
    const wrapping = wrappingKey(options.masterKey);
    const chains = new Chains(database, wrapping, options.bytes);
    found(database, chains, options);
    return new SqliteCore(database, chains, new SqliteSeals(wrapping, options.bytes));
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

  constructor(database: Database, chains: Chains, seals: SqliteSeals) {
    this.database = database;
    this.#tx = {
      ...{ database, chains, seals },
      ...{ standing: new Standing(database), rows: new Rows(database) },
    };
  }

  /**
   * Applies all ops in order and makes them durable together; the answers are in the order of the ops. An op that is
   * refused or fails changes nothing and leaves the others alone. Throws SignalboxError `STORE_DOWN` when nothing of the
   * batch may be believed; from then on it throws for ever.
   */
  apply(ops: readonly Work[]): Applied[] {
    if (this.#down !== null) throw this.#down;
    try {
      this.database.run('BEGIN IMMEDIATE');
      const applied = this.#swiftly(ops) ?? this.#carefully(ops);
      this.#tx.standing.flush();
      this.database.run('COMMIT');
      const erased = ops.some(({ kind }) => kind === 'ledger.erase');
      if (erased || this.#isLogDue) this.#scrub(erased ? 100 : 0);
      return applied;
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /** The rows of usage that the last commits changed, as they now are. */
  takeDrawn(): readonly Readonly<Drawn>[] {
    return this.#tx.standing.takeWritten();
  }

  close(): void {
    this.#down ??= new SignalboxError('STORE_DOWN', 'the store is closed');
    if (this.database.raw.isOpen) this.database.close();
  }

  /** Null when an op failed in the midst of writing: everything is taken back. */
  #swiftly(ops: readonly Work[]): Applied[] | null {
    const { database, chains, standing } = this.#tx;
    try {
      return ops.map((op) => (looksFirst(op) ? this.#bare(op) : this.#guarded(op)));
    } catch (error) {
      if (error !== AGAIN) throw error;
      database.run('ROLLBACK');
      chains.forget();
      standing.restart();
      database.run('BEGIN IMMEDIATE');
      return null;
    }
  }

  #carefully(ops: readonly Work[]): Applied[] {
    return ops.map((op) => this.#guarded(op));
  }

  #bare(op: Work): Applied {
    const { database, chains } = this.#tx;
    const before = database.writes;
    try {
      const result = this.#handle(op);
      chains.settle();
      if (!result.ok && database.writes !== before) throw AGAIN;
      return { result };
    } catch (error) {
      if (error === AGAIN || this.#isFatal(error)) throw error;
      if (database.writes !== before) throw AGAIN;
      chains.takeBack();
      return { fault: faultOf(op, error) };
    }
  }

  #guarded(op: Work): Applied {
    const { database, chains, standing } = this.#tx;
    standing.flush();
    database.run('SAVEPOINT op');
    let applied: Applied;
    try {
      const result = this.#handle(op);
      if (result.ok) {
        standing.flush();
        chains.settle();
      } else this.#takeBack();
      applied = { result };
    } catch (error) {
      if (this.#isFatal(error)) throw error;
      this.#takeBack();
      applied = { fault: faultOf(op, error) };
    }
    database.run('RELEASE op');
    standing.forget();
    return applied;
  }

  #handle(op: Work): OpResults[Op['kind']] {
    if (isCommon(op)) return decide(this.#tx, op);
    const handler = HANDLERS[op.kind] as (tx: Transaction, op: Op) => OpResults[Op['kind']];
    return handler(this.#tx, op);
  }

  /** The disk, not the op: SQLite may already have rolled everything back. */
  #isFatal(error: unknown): boolean {
    const code = sqliteCode(error);
    return (code !== null && code !== SQLITE_CONSTRAINT) || !this.database.raw.isTransaction;
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
