import type { Clock } from '../../src/domain/doors.ts';
import type { Op } from '../../src/domain/ops.ts';
import type { Usage } from '../../src/domain/store.ts';
import { isJointRead } from '../../src/ledger/read-record.ts';
import { wrappingKey } from '../../src/ledger/seal.ts';
import { preparedRead } from '../../src/store/prepared-read.ts';
import { CommitQueue } from '../../src/store/queue.ts';
import type { SqliteCore } from '../../src/store/sqlite/core.ts';
import { History } from '../../src/store/sqlite/history.ts';
import { Payloads } from '../../src/store/sqlite/payloads.ts';
import { Reads } from '../../src/store/sqlite/reads.ts';
import { Snapshot } from '../../src/store/sqlite/snapshot.ts';
import { type Answers, answersFrom, opsFrom } from '../../src/store/wire.ts';
import type { Applied, Work } from '../../src/store/work.ts';

/*
 * The one file that knows how the SQLite store is put together (src/store/sqlite/store.ts): the same queue, snapshot,
 * reads and wire as there, with the writing thread left to the simulator.
 */

export const MASTER_KEY = Buffer.alloc(32, 7);

/** An op on its way to the writing thread: as the caller said it, and as it travels. */
export interface Sent {
  readonly op: Op;
  readonly work: Work;
}

export interface CallerEnd {
  readonly queue: CommitQueue;
  readonly reads: Reads;
  readonly history: History;
  /** Hands an op to the queue; `sent` gets it when this turn is over. */
  readonly commit: CommitQueue['commit'];
}

/** What runs on the calling thread; what it sends arrives at `sent`, answers go back by `queue.answered`. */
export function callerEnd(core: SqliteCore, clock: Clock, sent: (ops: Sent[]) => void): CallerEnd {
  const known = new Snapshot();
  const saying: Op[] = [];
  const queue = new CommitQueue({
    post: (texts) => sent(opsFrom(texts).map((work) => ({ op: saying.shift() as Op, work }))),
    soon: (flush) => process.nextTick(flush),
    heard: (ops, { drawn }) => known.heard(ops, drawn),
  });
  const payloads = new Payloads(core.database, wrapping);
  const reads = new Reads(core.database, payloads, known);
  const history = new History(core.database, reads, payloads, clock);
  const commit: CommitQueue['commit'] = (op) => {
    if (queue.down === null) saying.push(JSON.parse(JSON.stringify(op)) as Op);
    return queue.commit(op);
  };
  return { queue, reads, history, commit };
}

/** What the writing thread does: one durable commit, and what it says of it. */
export function write(
  core: SqliteCore,
  work: readonly Work[],
): { applied: Applied[]; answers: Answers } {
  const applied = core.apply(work);
  return { applied, answers: answersFrom(applied, core.takeDrawn()) };
}

/** Rows of usage as they are on the disk, whatever anybody remembers. */
export function usageOnDisk(core: SqliteCore, keys: readonly string[]): readonly Usage[] {
  const reads = new Reads(core.database, new Payloads(core.database, wrapping), new Snapshot());
  return reads.usage(keys);
}

/** What anybody sees who remembers nothing of it. */
export interface Lookout {
  readonly reads: () => Reads;
  readonly history: () => History;
}

export function lookout(core: SqliteCore, clock: Clock): Lookout {
  const payloads = new Payloads(core.database, wrapping);
  const reads = (): Reads => new Reads(core.database, payloads, new Snapshot());
  return { reads, history: () => new History(core.database, reads(), payloads, clock) };
}

/** An op as it leaves a replica: nothing the caller changes later is seen. */
export function travelling(op: Op): Sent {
  const said = JSON.parse(JSON.stringify(op)) as Op;
  const isRead = op.kind === 'action.admit' && isJointRead(op);
  return { op: said, work: isRead ? preparedRead(op) : said };
}

const wrapping = wrappingKey(MASTER_KEY);
