import { SignalboxError } from '../../src/domain/errors.ts';
import type { Op, ResultOf } from '../../src/domain/ops.ts';
import type { FactsQuery, Store } from '../../src/domain/store.ts';
import type { Applied, SqliteCore } from '../../src/store/sqlite/core.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { type Disk, MASTER_KEY } from './disk.ts';
import type { Plant } from './plants.ts';
import type { World } from './world.ts';

interface Waiting {
  readonly op: Op;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

/** Follows from what was admitted before, or takes away: never refused for being too many. */
const NEVER_REFUSED: ReadonlySet<Op['kind']> = new Set<Op['kind']>([
  ...(['action.mark', 'action.settle', 'approval.void', 'run.end', 'lease.write'] as const),
  ...(['halt.raise', 'halt.inert', 'halt.lift', 'token.revoke'] as const),
]);

export interface StoreParts {
  readonly world: World;
  readonly disk: Disk;
  readonly plant: Plant | null;
  readonly incarnation: number;
}

/**
 * One incarnation's store: the real core on this thread, behind a queue that commits when chance says so. Answers come
 * later, or are lost with the incarnation; a commit that fails, before or after it was durable, takes the store down.
 */
export class SimStore implements Store {
  readonly #parts: StoreParts;
  readonly #core: SqliteCore;
  readonly #reads: Store;
  readonly #waiting: Waiting[] = [];
  #unanswered = 0;
  #isWriting = false;
  #lastAnswer = 0;
  #down: SignalboxError | null = null;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#core = parts.disk.open();
    const doors = parts.world.doors(parts.incarnation);
    this.#reads = storeOver(this.#core, MASTER_KEY, doors);
  }

  get isDown(): boolean {
    return this.#down !== null;
  }

  get isQuiet(): boolean {
    return this.#waiting.length + this.#unanswered === 0;
  }

  /** The process is gone: what was committed and not answered is lost to whoever asked. */
  crash(): void {
    this.#parts.world.count('lostAnswers', this.#unanswered);
    this.#parts.world.count('lostOps', this.#waiting.length);
    this.#core.close();
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    const { world, plant } = this.#parts;
    return new Promise((resolve, reject) => {
      if (this.#down !== null) return reject(this.#down);
      const isFull = this.#waiting.length + this.#unanswered >= world.faults.store.room;
      if (isFull && !NEVER_REFUSED.has(op.kind)) {
        world.count('overloads');
        return reject(new SignalboxError('OVERLOADED', 'records wait for the disk'));
      }
      const said = JSON.parse(JSON.stringify(op)) as Op;
      this.#waiting.push({ op: said, resolve: resolve as (answer: never) => void, reject });
      if (plant?.answersEarly?.(op)) resolve({ ok: true } as ResultOf<O>);
      this.#write();
    });
  }

  #write(): void {
    if (this.#isWriting || this.#waiting.length === 0 || this.#down !== null) return;
    const { world, incarnation } = this.#parts;
    this.#isWriting = true;
    const ms = world.random.latency(world.faults.store.commitMs);
    world.schedule.after(ms, incarnation, 'commit', () => {
      this.#isWriting = false;
      this.#commitSome();
      this.#write();
    });
  }

  #commitSome(): void {
    const { world, disk } = this.#parts;
    const { random } = world;
    const all = this.#waiting.length;
    const batch = this.#waiting.splice(0, random.chance(0.6) ? all : random.int(1, all));
    const ops = batch.map(({ op }) => op);
    if (random.chance(world.faults.store.failedCommit)) {
      world.count('failedCommits');
      // the disk may have kept what it failed to confirm
      if (random.chance(0.5)) disk.commit(this.#core, ops);
      this.#fail(batch);
    } else this.#answer(batch, disk.commit(this.#core, ops));
  }

  #answer(batch: readonly Waiting[], applied: readonly Applied[]): void {
    const { world, incarnation } = this.#parts;
    const { schedule } = world;
    this.#unanswered += batch.length;
    const due = schedule.elapsed + world.random.latency(world.faults.store.answerMs);
    this.#lastAnswer = Math.max(this.#lastAnswer, due);
    schedule.after(this.#lastAnswer - schedule.elapsed, incarnation, 'answers', () => {
      if (this.#down !== null) return;
      this.#unanswered -= batch.length;
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = applied[index] as Applied;
        if ('fault' in answer) reject(answer.fault);
        else resolve(answer.result as never);
      }
    });
  }

  /** For this process the store is down for good; answers under way still come, the queue is told. */
  #fail(batch: readonly Waiting[]): void {
    this.#down = new SignalboxError('STORE_DOWN', 'the store failed: simulated');
    for (const { reject } of [...batch, ...this.#waiting.splice(0)]) reject(this.#down);
  }

  /** At once, or as of some moment before the answer. A plant may not see halts. */
  #read<T>(read: (reads: Store) => Promise<T>): Promise<T> {
    const { world, incarnation } = this.#parts;
    const { random, schedule } = world;
    const { readMs, failedRead } = world.faults.store;
    const look = async (): Promise<T> => {
      if (this.#down !== null) throw this.#down;
      if (random.chance(failedRead)) {
        world.count('failedReads');
        throw new SignalboxError('STORE_DOWN', 'a read failed: simulated');
      }
      return read(this.#reads);
    };
    if (readMs === 0) return look();
    const wait = (): Promise<void> => schedule.wait(random.latency(readMs), incarnation, 'read');
    return wait().then(async () => {
      const seen = await look();
      await wait();
      return seen;
    });
  }

  factsFor(query: FactsQuery) {
    return this.#read((reads) => reads.factsFor(query));
  }
  usage(keys: readonly string[]) {
    return this.#read((reads) => reads.usage(keys));
  }
  haltState() {
    return this.#read(async (reads) => {
      const state = await reads.haltState();
      return this.#parts.plant?.hidesHalts ? { ...state, halts: [] } : state;
    });
  }
  bundle(digest: string) {
    return this.#read((reads) => reads.bundle(digest));
  }
  token(hash: string) {
    return this.#read((reads) => reads.token(hash));
  }
  operator(name: string) {
    return this.#read((reads) => reads.operator(name));
  }
  operatorCount() {
    return this.#read((reads) => reads.operatorCount());
  }
  secret(name: string) {
    return this.#read((reads) => reads.secret(name));
  }
  secretNames() {
    return this.#read((reads) => reads.secretNames());
  }
  openActions() {
    return this.#read((reads) => reads.openActions());
  }
  leases(filter: Parameters<Store['leases']>[0]) {
    return this.#read((reads) => reads.leases(filter));
  }
  run(id: string) {
    return this.#read((reads) => reads.run(id));
  }
  runs(filter: Parameters<Store['runs']>[0]) {
    return this.#read((reads) => reads.runs(filter));
  }
  asks(filter: Parameters<Store['asks']>[0]) {
    return this.#read((reads) => reads.asks(filter));
  }
  ask(id: string) {
    return this.#read((reads) => reads.ask(id));
  }
  runOf(id: string) {
    return this.#read((reads) => reads.runOf(id));
  }
  timeline(chain: string, after?: number, limit?: number) {
    return this.#read((reads) => reads.timeline(chain, after, limit));
  }
  chains() {
    return this.#read((reads) => reads.chains());
  }
  async close(): Promise<void> {}
}
