import type { Op, OpResults } from '../../domain/ops.ts';
import type { LedgerEvent } from '../../domain/store.ts';
import { admit, admitRead, decline, mark, settle } from '../actions.ts';
import { fault, type Ground } from '../ground.ts';
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
import { answer, park, voidApproval } from './op-approvals.ts';
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
import { applyBundle, endLeases, erase, isLeaseEnd, note, writeLease } from './op-ledger.ts';
import { beginRun, endRun } from './op-runs.ts';
import { seal } from './op-seal.ts';
import { Picture } from './picture.ts';
import { placesOf } from './places.ts';
import { type Session, type Statement, stateOf } from './session.ts';
import type { Transaction } from './transaction.ts';
import { writeAll } from './write.ts';

/*
 * One transaction for everything that waits:
 *
 *   lock and load ▸ decide each op in memory ▸ write ▸ commit          two round trips for any number of common ops
 *                   └ an op of another kind: write, savepoint, its own statements, write, release
 *
 * Should the database refuse what was written together (a duplicate, a text it cannot hold), all of it is taken back and
 * done again with a savepoint around each op, so that the one that is wrong fails alone.
 */

type Common = Extract<
  Work,
  {
    kind:
      | 'read'
      | 'unreadable'
      | 'action.admit'
      | 'action.mark'
      | 'action.settle'
      | 'action.decline';
  }
>;
type Rare = Exclude<Work, Common>;

type Handlers = {
  readonly [K in Rare['kind']]: (
    tx: Transaction,
    op: Extract<Op, { readonly kind: K }>,
  ) => Promise<OpResults[K]>;
};

const HANDLERS: Handlers = {
  'bundle.apply': applyBundle,
  'run.begin': beginRun,
  'run.end': endRun,
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

const NOTIFY = { name: 'notify', text: 'SELECT pg_notify($1, $2)' };

/** What is asked about when the answer to COMMIT was lost. */
export interface Committing {
  readonly pid: number;
  readonly xid: string;
  /** A record that is there if and only if it was committed; null when nothing was written. */
  readonly proof: Pick<LedgerEvent, 'chain' | 'seq' | 'hash'> | null;
}

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
    if (!isDataFault(error) || options.session.isLost) throw error;
    return new Batch(works, options, true).apply();
  }
}

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

  constructor(works: readonly Work[], options: BatchOptions, isCareful: boolean) {
    const { session, ring, known } = options;
    this.#works = works;
    this.#options = options;
    this.#isCareful = isCareful;
    this.#chains = new Chains(ring);
    const places = placesOf(works);
    this.#loading = { session, places, chains: this.#chains, picture: this.#picture, known };
    const parts = { chains: this.#chains, picture: this.#picture, seals: ring.seals };
    this.#tx = transactionOver(session, parts, () => this.#flush());
  }

  async apply(): Promise<Applied[]> {
    const { session } = this.#options;
    try {
      const xid = await lockAndLoad(this.#loading);
      const applied: Applied[] = [];
      for (const group of groups(this.#works)) applied.push(...(await this.#several(group)));
      const writes = this.#writes();
      // A failed write turns COMMIT into a rollback; only when the connection is lost is anything in doubt.
      this.#options.committing({ pid: session.pid, xid, proof: this.#chains.newest }, applied);
      const answers = await together([...writes, ...this.#sent, session.say('COMMIT')]);
      const said = answers.at(-1);
      if (said !== 'COMMIT') throw new Error(`expected COMMIT to be carried out, not \`${said}\``);
      this.#options.known.committed(this.#loading.places.usage);
      return applied;
    } catch (error) {
      if (!session.isLost) await session.say('ROLLBACK').catch(() => session.destroy());
      throw error;
    }
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

  /** Stands or falls as one. Its savepoint is set and let go without waiting: what follows is answered after it. */
  async #guarded(
    works: readonly [Work, ...Work[]],
    carryOut: (tx: Transaction) => Promise<OpResults[Op['kind']]>,
  ): Promise<Applied> {
    const { session } = this.#options;
    await this.#flush();
    if (this.#isStale) await this.#reload();
    this.#send('SAVEPOINT op');
    try {
      const result = await carryOut(this.#tx);
      if (!result.ok) return await this.#undone({ result });
      await this.#flush();
      this.#keep();
      this.#send('RELEASE op');
      // of leases nothing was loaded
      this.#isStale ||= works.some(({ kind }) => kind !== 'lease.write');
      return { result };
    } catch (error) {
      if (session.isLost || (stateOf(error) !== null && !isDataFault(error))) throw error;
      return this.#undone({ fault: faultOf(works[0], error) });
    }
  }

  #send(sql: string): void {
    const sent = this.#options.session.say(sql);
    sent.catch(() => {});
    this.#sent.push(sent);
  }

  async #undone(applied: Applied): Promise<Applied> {
    this.#takeBack();
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

  async #flush(): Promise<void> {
    await together(this.#writes());
  }

  #writes(): Promise<number>[] {
    return writeAll(this.#options.session, this.#chains.take(), this.#picture.take());
  }
}

/** Ends of different leases that follow each other go together: a halt has many. Everything else stands alone. */
function groups(works: readonly Work[]): Work[][] {
  const all: Work[][] = [];
  let ends: { readonly group: Work[]; readonly ids: Set<string> } | null = null;
  for (const work of works) {
    if (!isLeaseEnd(work)) {
      all.push([work]);
      ends = null;
    } else if (ends === null || ends.ids.has(work.lease.id)) {
      ends = { group: [work], ids: new Set([work.lease.id]) };
      all.push(ends.group);
    } else {
      ends.group.push(work);
      ends.ids.add(work.lease.id);
    }
  }
  return all;
}

function isCommon(work: Work): work is Common {
  switch (work.kind) {
    case 'read':
    case 'unreadable':
    case 'action.admit':
    case 'action.mark':
    case 'action.settle':
    case 'action.decline':
      return true;
    default:
      return false;
  }
}

function decide(tx: Ground, work: Common): OpResults[Op['kind']] {
  switch (work.kind) {
    case 'read':
      return admitRead(tx, work);
    case 'action.admit':
      return admit(tx, work);
    case 'action.mark':
      return mark(tx, work);
    case 'action.settle':
      return settle(tx, work);
    case 'action.decline':
      return decline(tx, work);
    default:
      throw fault('a line feed in a name, scope or limit of a read');
  }
}

function handle(tx: Transaction, op: Rare): Promise<OpResults[Op['kind']]> {
  const handler = HANDLERS[op.kind] as
    | ((tx: Transaction, op: Op) => Promise<OpResults[Op['kind']]>)
    | undefined;
  if (handler === undefined) throw fault(`the store knows no \`${op.kind}\``);
  return handler(tx, op);
}

function transactionOver(
  session: Session,
  { chains, picture, seals }: Pick<Transaction, 'chains' | 'seals'> & { readonly picture: Picture },
  flush: () => Promise<void>,
): Transaction {
  const all = <R>(statement: Statement, ...values: readonly unknown[]) =>
    session.rows<R>(statement, values);
  return {
    chains,
    seals,
    standing: picture,
    rows: picture,
    all,
    one: async <R>(statement: Statement, ...values: readonly unknown[]) =>
      (await all<R>(statement, ...values))[0],
    run: (statement, ...values) => session.run(statement, values),
    flush,
    lock: (...names) => lockChains(session, chains, names),
    notify: async (key) => {
      await session.rows(NOTIFY, [channelOf(session.key), key]);
    },
  };
}

function isDataFault(error: unknown): boolean {
  return DATA_FAULTS.has(stateOf(error)?.slice(0, 2) ?? '');
}
