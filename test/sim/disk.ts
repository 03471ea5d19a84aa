import { threadId } from 'node:worker_threads';
import { noticeOf } from '../../src/domain/halt.ts';
import type { HaltRaise, Op, ResultOf } from '../../src/domain/ops.ts';
import type { Beat, Usage } from '../../src/domain/store.ts';
import { readCheckpoint, recordLeaf, type SealedRecord } from '../../src/ledger/checkpoint.ts';
import { Frontier } from '../../src/ledger/tiles.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import type { Answers } from '../../src/store/wire.ts';
import type { Applied } from '../../src/store/work.ts';
import { CLUMSY } from './clumsy.ts';
import { BOUND_MS } from './house.ts';
import type { Plant } from './plants.ts';
import { lookout, MASTER_KEY, type Sent, usageOnDisk, write } from './sqlite.ts';
import type { StoreWatch } from './store-watch.ts';
import type { World } from './world.ts';

let disks = 0;
const DEAD_MS = 10 * BOUND_MS;

/**
 * What survives a crash: one database in memory, shared by name. Each incarnation opens the store's real core over it
 * anew; a second one only looks, for the checks, and keeps the memory while nothing else does.
 */
export class Disk {
  /** Something was committed since the last look. */
  isTouched = false;
  /** Signed checkpoints that left: whatever crashed since, the ledger continues each of them. */
  readonly published: string[] = [];
  readonly #world: World;
  readonly #watch: StoreWatch;
  readonly #plant: Plant | null;
  readonly #file: string;
  readonly #keeper: SqliteCore;
  /** The one core that replicas share. */
  #shared: SqliteCore | null = null;
  readonly #beats = new Map<string, { readonly at: number; readonly landed: number }>();
  readonly #revived = new Map<string, number>();
  readonly #watching = new Map<string, { incarnation: number; heard: (key: string) => void }>();

  constructor(world: World, watch: StoreWatch, plant: Plant | null) {
    this.#world = world;
    this.#watch = watch;
    this.#plant = plant;
    // such memory is one for all threads
    this.#file = `file:/signalbox-sim-${threadId}-${++disks}?vfs=memdb`;
    this.#keeper = this.open();
  }

  open(): SqliteCore {
    const { random, now } = this.#world;
    const bytes = (length: number): Uint8Array => random.bytes(length);
    return openSqliteCore({ file: this.#file, masterKey: MASTER_KEY, bytes, at: now });
  }

  /** One durable commit. What it did is checked before anybody hears of it. */
  commit(core: SqliteCore, sent: readonly Sent[]): Answers {
    const carried = sent.map((one) => this.#plant?.carries?.(one) ?? one.work);
    const { applied, answers } = write(core, carried);
    for (const [index, { op }] of sent.entries()) this.#done(core, op, applied[index] as Applied);
    return answers;
  }

  #done(core: SqliteCore, op: Op, answer: Applied): void {
    this.isTouched = true;
    this.#world.tell(`commit ${wordsOf(op)}: ${outcomeOf(answer)}`);
    if ('result' in answer) this.#watch.committed(op, answer.result);
    else if (answer.fault.code === 'INTERNAL' && !isClumsy(op))
      this.#world.broken('no_internal_fault', `${wordsOf(op)}: ${answer.fault.message}`);
    if (!('result' in answer)) return;
    if (answer.result.ok) this.#plant?.tampers?.(op, core.database);
    else this.#plant?.refused?.(op, core.database);
  }

  get shared(): SqliteCore {
    this.#shared ??= this.open();
    return this.#shared;
  }

  /** The same for an op of a replica that shares the store; who watches is told, or not, or twice. */
  commitShared(incarnation: number, sent: Sent): Applied {
    const carried = this.#plant?.carries?.(sent) ?? sent.work;
    const answer: Applied = this.#mayFly(sent.op)
      ? { result: { ok: false, because: 'flying' } }
      : (write(this.shared, [carried]).applied[0] as Applied);
    this.#done(this.shared, sent.op, answer);
    const key = 'result' in answer && answer.result.ok ? noticeFor(sent.op, answer.result) : null;
    if (key !== null) this.#spread(key, incarnation);
    return answer;
  }

  /** As a store that replicas share must look before it says inert. */
  #mayFly(op: Op): boolean {
    if (op.kind !== 'halt.inert') return false;
    return [...this.#beats].some(
      ([id, { landed }]) =>
        id !== op.replica && landed < op.epoch && this.quietMs(id) <= op.heardMs,
    );
  }

  beat(replica: string, landed: number): Beat {
    const now = this.#world.schedule.elapsed;
    if (this.quietMs(replica) > DEAD_MS) this.#revived.set(replica, now);
    this.#beats.set(replica, { at: now, landed });
    const state = lookout(this.shared, { now: () => 0, monotonic: () => 0 })
      .reads()
      .haltState();
    const replicas = [...this.#beats.keys()].map((id) => ({
      id,
      quietMs: this.quietMs(id),
      landed: this.#beats.get(id)?.landed ?? 0,
    }));
    return { ...state, replicas };
  }

  /** How long the store has not heard of it. */
  quietMs(replica: string): number {
    const beat = this.#beats.get(replica);
    return beat === undefined ? Number.POSITIVE_INFINITY : this.#world.schedule.elapsed - beat.at;
  }

  /** How long ago it came back from being taken for dead. */
  revivedMs(replica: string): number {
    return this.#world.schedule.elapsed - (this.#revived.get(replica) ?? Number.NEGATIVE_INFINITY);
  }

  watch(replica: string, incarnation: number, heard: (key: string) => void): void {
    this.#watching.set(replica, { incarnation, heard });
  }

  unwatch(replica: string): void {
    this.#watching.delete(replica);
  }

  #spread(key: string, from: number): void {
    const { schedule, random, faults } = this.#world;
    for (const { incarnation, heard } of this.#watching.values()) {
      if (incarnation === from) continue;
      const times = random.chance(faults.way.deaf) ? 0 : random.chance(faults.way.twice) ? 2 : 1;
      for (let time = 0; time < times; time++)
        schedule.after(random.latency(faults.way.ms * 4), incarnation, 'notice', () => {
          if (!this.#world.isCut(incarnation)) heard(key);
        });
    }
  }

  usage(keys: readonly string[]): readonly Usage[] {
    return usageOnDisk(this.#keeper, keys);
  }

  /** Every chain, every payload, and every table against the replay of the records. */
  async verify(): Promise<void> {
    this.#checkPublished();
    const { ok, problems } = await verifyDatabase(this.#keeper.database, { masterKey: MASTER_KEY });
    this.#world.count('verified');
    if (!ok) this.#world.broken('ledger_is_evidence', problems.slice(0, 3).join(' | '));
  }

  #checkPublished(): void {
    const left = this.published.splice(0).map((note) => readCheckpoint(note));
    this.#world.count('checkpoints', left.length);
    const sizes = new Set(left.map(({ size }) => size));
    const roots = new Map<number, Buffer>();
    const frontier = new Frontier();
    for (const [index, record] of this.#keeper.database
      .all<SealedRecord>('SELECT chain, seq, hash FROM events ORDER BY id')
      .entries()) {
      frontier.append(recordLeaf(record));
      if (sizes.has(index + 1)) roots.set(index + 1, frontier.root());
    }
    for (const { size, root } of left) {
      if (roots.get(size)?.equals(root) === true) continue;
      this.#world.broken('ledger_is_evidence', `the checkpoint of ${size} records is of others`);
    }
  }

  close(): void {
    this.#shared?.close();
    this.#keeper.close();
  }
}

/** What a replica is told of what another one did. */
function noticeFor(op: Op, result: ResultOf<Op>): string | null {
  switch (op.kind) {
    case 'halt.raise':
      return noticeOf((result as ResultOf<HaltRaise>).halt);
    case 'halt.lift':
      return 'halt';
    case 'run.end':
      return `run:${op.runId}`;
    case 'approval.answer':
      return `ask:${op.approvalId}`;
    case 'bundle.apply':
      return 'bundle';
    default:
      return null;
  }
}

function isClumsy(op: Op): boolean {
  return op.kind === 'action.admit' && op.action.via === CLUMSY;
}

function outcomeOf(answer: Applied): string {
  if ('fault' in answer) return answer.fault.code;
  return answer.result.ok ? 'ok' : answer.result.because;
}

function wordsOf(op: Op): string {
  switch (op.kind) {
    case 'action.admit':
    case 'action.decline':
    case 'action.park':
      return `${op.kind} ${op.action.id} ${op.action.tool} ${op.action.purpose}`;
    case 'action.mark':
      return `${op.kind} ${op.actionId}`;
    case 'action.settle':
      return `${op.kind} ${op.actionId} ${op.settlement.kind} by ${op.by}`;
    case 'halt.raise':
    case 'halt.lift':
    case 'halt.inert':
      return `${op.kind} ${op.scope}`;
    case 'lease.write':
      return `${op.kind} ${op.lease.id} ${op.lease.state}`;
    case 'approval.answer':
      return `${op.kind} ${op.approvalId} ${op.answer}`;
    default:
      return op.kind;
  }
}
