import type { Op, OpResults } from '../../domain/ops.ts';
import type { LedgerEvent } from '../../domain/store.ts';
import { type Common, decide, isCommon } from '../look-first.ts';
import { type Applied, faultOf, type Work } from '../work.ts';
import { Chains, type KeyRing } from './chains.ts';
import {
  type KnownUsage,
  type Loading,
  loadTables,
  lockAndLoad,
  lockChains,
  together,
} from './load.ts';
import { channelOf } from './locks.ts';
import { groups, handle } from './op-each.ts';
import { endLeases, isLeaseEnd } from './op-ledger.ts';
import { Picture } from './picture.ts';
import { placesOf } from './places.ts';
import { type Session, type Statement, stateOf } from './session.ts';
import type { Transaction } from './transaction.ts';
import { writeAll } from './write.ts';

/*
 * One transaction for everything that waits:
 *
 *   lock and load ▸ decide each op in memory ▸ write ▸ commit          two round trips for any number of common ops
 *                   └ an op of another kind: write, its own statements
 *
 * What is written is sent and waited for at the end. Should the database refuse some of it (a duplicate, a text it cannot
 * hold), or an op be refused that had written already, all of it is taken back and done again with a savepoint around each op,
 * so that the one that is wrong fails alone.
 */

/** Everybody waits for these, and what is loaded tells them nothing: alone in a batch they are sent behind its locks at once. */
const AT_ONCE: ReadonlySet<Work['kind']> = new Set(['halt.raise', 'halt.inert']);

const NOTIFY = { name: 'notify', text: 'SELECT pg_notify($1, $2)' };

/** What is asked about when the answer to COMMIT was lost. */
export interface Committing {
  readonly pid: number;
  readonly xid: string;
  /** A record that is there if and only if it was committed; null when nothing was written. */
  readonly proof: Pick<LedgerEvent, 'chain' | 'seq' | 'hash'> | null;
}

/** The server's word for a statement after one that failed. */
const IN_FAILED = '25P02';

export interface BatchOptions {
  readonly session: Session;
  readonly ring: KeyRing;
  readonly known: KnownUsage;
  /** Called before COMMIT is sent: from then on the outcome may be unknown. */
  committing(what: Committing, applied: readonly Applied[]): void;
}

/** Everything that was written together was refused because of one of it. */
const DATA_FAULTS = new Set(['22', '23']);

/**
 * Applies all works in order and commits them together; the answers are in their order. Throws what the connection or
 * the server threw, and then nothing was committed unless `committing` had been called.
 */
export async function applyBatch(
  works: readonly Work[],
  options: BatchOptions,
): Promise<Applied[]> {
  try {
    return await new Batch(works, options, false).apply();
  } catch (error) {
    if (!(isDataFault(error) || error instanceof Half) || options.session.isLost) throw error;
    return new Batch(works, options, true).apply();
  }
}

/** An op was refused when half of it was written: the transaction is of no use any more. */
class Half extends Error {}

class Batch {
  readonly #works: readonly Work[];
  readonly #options: BatchOptions;
  /** A savepoint around every op. */
  readonly #isCareful: boolean;
  readonly #chains: Chains;
  readonly #picture = new Picture();
  readonly #loading: Loading;
  readonly #tx: Transaction;
  /** Sent and not waited for; a failure is one of the whole batch. */
  readonly #sent: Promise<unknown>[] = [];
  /** An op changed tables by itself: they are read again before the next one looks. */
  #isStale = false;
  /** The op that is carried out has written something by itself. */
  #hasWritten = false;

  constructor(works: readonly Work[], options: BatchOptions, isCareful: boolean) {
    const { session, ring, known } = options;
    this.#works = works;
    this.#options = options;
    this.#isCareful = isCareful;
    this.#chains = new Chains(ring);
    const places = placesOf(works);
    this.#loading = { session, places, chains: this.#chains, picture: this.#picture, known };
    const parts = { chains: this.#chains, picture: this.#picture, seals: ring.seals };
    this.#tx = transactionOver(session, parts, {
      flush: () => this.#flush(),
      sent: (answer) => this.#keepSent([answer]),
      writes: () => {
        this.#hasWritten = true;
      },
    });
  }

  async apply(): Promise<Applied[]> {
    const { session } = this.#options;
    try {
      const loaded = lockAndLoad(this.#loading);
      const [only] = this.#works.length === 1 ? this.#works : [];
      const ahead = only !== undefined && AT_ONCE.has(only.kind) ? this.#several([only]) : null;
      ahead?.catch(() => {});
      const xid = await loaded;
      const applied: Applied[] = [];
      if (ahead !== null) applied.push(...(await ahead));
      else for (const group of groups(this.#works)) applied.push(...(await this.#several(group)));
      const writes = this.#writes();
      // A failed write turns COMMIT into a rollback; only when the connection is lost is anything in doubt.
      this.#options.committing({ pid: session.pid, xid, proof: this.#chains.newest }, applied);
      const answers = await together([...this.#sent, ...writes, session.say('COMMIT')]);
      const said = answers.at(-1);
      if (said !== 'COMMIT') throw new Error(`expected COMMIT to be carried out, not \`${said}\``);
      this.#options.known.committed(this.#loading.places.usage);
      return applied;
    } catch (error) {
      if (session.isLost) throw error;
      const cause = await this.#causeOf(error);
      await session.say('ROLLBACK').catch(() => session.destroy());
      throw cause;
    }
  }

  /** After the first failure the server refuses whatever follows in a transaction: the first is the one that says why. */
  async #causeOf(error: unknown): Promise<unknown> {
    if (stateOf(error) !== IN_FAILED) return error;
    const answers = await Promise.allSettled(this.#sent);
    const failed = answers.filter((answer) => answer.status === 'rejected');
    return failed.find(({ reason }) => stateOf(reason) !== IN_FAILED)?.reason ?? error;
  }

  async #several(works: readonly Work[]): Promise<readonly Applied[]> {
    const [first, ...rest] = works.filter(isLeaseEnd);
    if (first !== undefined && rest.length > 0 && !this.#isCareful) {
      const applied = await this.#guarded([first, ...rest], (tx) =>
        endLeases(tx, [first, ...rest]),
      );
      if ('result' in applied) return works.map(() => applied);
    }
    const applied: Applied[] = [];
    for (const work of works) applied.push(await this.#one(work));
    return applied;
  }

  async #one(work: Work): Promise<Applied> {
    if (isCommon(work) && !this.#isCareful) {
      if (this.#isStale) await this.#reload();
      return this.#inMemory(work);
    }
    return this.#guarded([work], async (tx) =>
      isCommon(work) ? decide(tx, work) : handle(tx, work),
    );
  }

  #inMemory(work: Common): Applied {
    try {
      const result = decide(this.#tx, work);
      if (result.ok) this.#keep();
      else this.#takeBack();
      return { result };
    } catch (error) {
      this.#takeBack();
      return { fault: faultOf(work, error) };
    }
  }

  /** Stands or falls as one; should it fall when half of it was written, `Half` is thrown. */
  async #guarded(
    works: readonly [Work, ...Work[]],
    carryOut: (tx: Transaction) => Promise<OpResults[Op['kind']]>,
  ): Promise<Applied> {
    this.#keepSent(this.#writes());
    if (this.#isStale) await this.#reload();
    if (this.#isCareful) this.#send('SAVEPOINT op');
    this.#hasWritten = false;
    const applied = await this.#carriedOut(works[0], () => carryOut(this.#tx));
    if ('fault' in applied || !applied.result.ok) return this.#undone(applied);
    this.#keep();
    if (this.#isCareful) this.#send('RELEASE op');
    // of leases nothing was loaded
    this.#isStale ||= works.some(({ kind }) => kind !== 'lease.write');
    return applied;
  }

  async #carriedOut(work: Work, carryOut: () => Promise<OpResults[Op['kind']]>): Promise<Applied> {
    const { session } = this.#options;
    try {
      const result = await carryOut();
      // one that is wrong is to fail before what follows
      if (this.#isCareful && result.ok) await together([...this.#sent, ...this.#writes()]);
      return { result };
    } catch (error) {
      if (session.isLost || !this.#isCareful) {
        if (session.isLost || stateOf(error) !== null) throw error;
        return { fault: faultOf(work, error) };
      }
      const cause = await this.#causeOf(error);
      if (stateOf(cause) !== null && !isDataFault(cause)) throw cause;
      return { fault: faultOf(work, cause) };
    }
  }

  #send(sql: string): void {
    this.#keepSent([this.#options.session.say(sql)]);
  }

  #keepSent(sent: readonly Promise<unknown>[]): void {
    for (const answer of sent) answer.catch(() => {});
    this.#sent.push(...sent);
  }

  async #undone(applied: Applied): Promise<Applied> {
    this.#takeBack();
    if (!this.#isCareful) {
      if (this.#hasWritten) throw new Half();
      return applied;
    }
    this.#sent.length = 0;
    this.#picture.take();
    this.#chains.take();
    await this.#options.session.say('ROLLBACK TO op; RELEASE op');
    this.#isStale = true;
    return applied;
  }

  #keep(): void {
    this.#picture.settle();
    this.#chains.settle();
  }

  #takeBack(): void {
    this.#picture.takeBack();
    this.#chains.takeBack();
  }

  async #reload(): Promise<void> {
    await loadTables(this.#loading);
    this.#isStale = false;
  }

  #flush(): void {
    this.#keepSent(this.#writes());
  }

  #writes(): Promise<number>[] {
    return writeAll(this.#options.session, this.#chains.take(), this.#picture.take());
  }
}

interface Told {
  flush(): void;
  /** An answer that is waited for with the commit. */
  sent(answer: Promise<unknown>): void;
  /** The op writes by itself. */
  writes(): void;
}

function transactionOver(
  session: Session,
  { chains, picture, seals }: Pick<Transaction, 'chains' | 'seals'> & { readonly picture: Picture },
  told: Told,
): Transaction {
  const all = <R>(statement: Statement, ...values: readonly unknown[]): Promise<R[]> => {
    if (!statement.text.startsWith('SELECT')) told.writes();
    return session.rows<R>(statement, values);
  };
  const send = (statement: Statement, ...values: readonly unknown[]): void => {
    told.writes();
    told.sent(session.rows(statement, values));
  };
  return {
    chains,
    seals,
    standing: picture,
    rows: picture,
    all,
    one: async <R>(statement: Statement, ...values: readonly unknown[]) =>
      (await all<R>(statement, ...values))[0],
    run: (statement, ...values) => {
      told.writes();
      return session.run(statement, values);
    },
    send,
    flush: () => {
      told.writes();
      told.flush();
    },
    lock: (...names) => lockChains(session, chains, names),
    notify: (key) => send(NOTIFY, channelOf(session.key), key),
  };
}

function isDataFault(error: unknown): boolean {
  return DATA_FAULTS.has(stateOf(error)?.slice(0, 2) ?? '');
}
