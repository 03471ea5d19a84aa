import { SignalboxError } from '../../src/domain/errors.ts';
import type { Op, ResultOf } from '../../src/domain/ops.ts';
import type { Beat, FactsQuery, Store, StoredTile } from '../../src/domain/store.ts';
import { owned } from '../../src/store/owned.ts';
import type { SqliteCore } from '../../src/store/sqlite/core.ts';
import type { Answers } from '../../src/store/wire.ts';
import type { Disk } from './disk.ts';
import type { Plant } from './plants.ts';
import { type CallerEnd, callerEnd, type Sent } from './sqlite.ts';
import type { World } from './world.ts';

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
 * One incarnation's store: the real queue, snapshot, reads and core on one thread, where the writing thread works when
 * chance says so. Answers come later, or are lost with the incarnation; a commit that fails, before or after it was
 * durable, takes the store down.
 */
export class SimStore implements Store {
  readonly replica: string;
  readonly alone = true;
  readonly #parts: StoreParts;
  readonly #core: SqliteCore;
  readonly #caller: CallerEnd;
  readonly #sent: Sent[] = [];
  #unanswered = 0;
  #isWriting = false;
  #lastAnswer = 0;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.replica = `replica_${parts.incarnation}`;
    this.#core = parts.disk.open();
    const { clock } = parts.world.doors(parts.incarnation);
    this.#caller = callerEnd(this.#core, clock, (ops) => {
      this.#sent.push(...ops);
      this.#write();
    });
  }

  get isDown(): boolean {
    return this.#caller.queue.down !== null;
  }

  get isQuiet(): boolean {
    return this.#sent.length + this.#unanswered === 0;
  }

  /** The process is gone: what was committed and not answered is lost to whoever asked. */
  crash(): void {
    this.#parts.world.count('lostAnswers', this.#unanswered);
    this.#parts.world.count('lostOps', this.#sent.length);
    this.#core.close();
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    const { world, plant } = this.#parts;
    const isFull = this.#sent.length + this.#unanswered >= world.faults.store.room;
    if (isFull && !NEVER_REFUSED.has(op.kind) && !this.isDown) {
      world.count('overloads');
      return Promise.reject(new SignalboxError('OVERLOADED', 'records wait for the disk'));
    }
    const answer = this.#caller.commit(owned(op, this.replica));
    if (!plant?.answersEarly?.(op)) return answer;
    answer.catch(() => undefined);
    const early: unknown = { ok: true };
    return Promise.resolve(early) as Promise<never>;
  }

  #write(): void {
    if (this.#isWriting || this.#sent.length === 0 || this.isDown) return;
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
    const all = this.#sent.length;
    const batch = this.#sent.splice(0, random.chance(0.6) ? all : random.int(1, all));
    if (random.chance(world.faults.store.failedCommit)) {
      world.count('failedCommits');
      // the disk may have kept what it failed to confirm
      if (random.chance(0.5)) disk.commit(this.#core, batch);
      this.#sent.length = 0;
      this.#caller.queue.fail(new SignalboxError('STORE_DOWN', 'the store failed: simulated'));
    } else this.#answer(disk.commit(this.#core, batch));
  }

  #answer(answers: Answers): void {
    const { world, incarnation } = this.#parts;
    const { schedule } = world;
    this.#unanswered += answers.count;
    const due = schedule.elapsed + world.random.latency(world.faults.store.answerMs);
    this.#lastAnswer = Math.max(this.#lastAnswer, due);
    schedule.after(this.#lastAnswer - schedule.elapsed, incarnation, 'answers', () => {
      if (this.isDown) return;
      this.#unanswered -= answers.count;
      this.#caller.queue.answered(answers);
    });
  }

  /** At once, or as of some moment before the answer. A plant may not see halts. */
  #read<T>(read: (caller: CallerEnd) => T): Promise<T> {
    const { world, incarnation } = this.#parts;
    const { random, schedule } = world;
    const { readMs, failedRead } = world.faults.store;
    const look = async (): Promise<T> => {
      if (this.#caller.queue.down !== null) throw this.#caller.queue.down;
      if (random.chance(failedRead)) {
        world.count('failedReads');
        throw new SignalboxError('STORE_DOWN', 'a read failed: simulated');
      }
      return read(this.#caller);
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
    return this.#read(({ reads }) => reads.factsFor(query));
  }
  usage(keys: readonly string[]) {
    return this.#read(({ reads }) => reads.usage(keys));
  }
  repeats(call: Parameters<Store['repeats']>[0]) {
    return this.#read(({ reads }) => reads.repeats(call));
  }
  cost(root: string) {
    return this.#read(({ history }) => history.cost(root));
  }
  costsOf(agent: string) {
    return this.#read(({ history }) => history.costsOf(agent));
  }
  trail(root: string, most: number) {
    return this.#read(({ history }) => history.trail(root, most));
  }
  haltState() {
    return this.#read(({ reads }) => {
      const state = reads.haltState();
      return this.#parts.plant?.hidesHalts ? { ...state, halts: [] } : state;
    });
  }
  bundle(digest: string) {
    return this.#read(({ reads }) => reads.bundle(digest));
  }
  token(hash: string) {
    return this.#read(({ reads }) => reads.token(hash));
  }
  operator(name: string) {
    return this.#read(({ reads }) => reads.operator(name));
  }
  operatorCount() {
    return this.#read(({ reads }) => reads.operatorCount());
  }
  secret(name: string) {
    return this.#read(({ reads }) => reads.secret(name));
  }
  isTaken(claim: string) {
    return this.#read(({ reads }) => reads.isTaken(claim));
  }
  secretNames() {
    return this.#read(({ reads }) => reads.secretNames());
  }
  openActions() {
    return this.#read(({ reads }) => reads.openActions());
  }
  leases(filter: Parameters<Store['leases']>[0]) {
    return this.#read(({ reads }) => reads.leases(filter));
  }
  liveRuns() {
    return this.#read(({ reads }) => reads.liveRuns());
  }
  runsUnder(root: string) {
    return this.#read(({ reads }) => reads.runsUnder(root));
  }
  run(id: string) {
    return this.#read(({ reads }) => reads.run(id));
  }
  runs(filter: Parameters<Store['runs']>[0]) {
    return this.#read(({ history }) => history.runs(filter));
  }
  asks(filter: Parameters<Store['asks']>[0]) {
    return this.#read(({ history }) => history.asks(filter));
  }
  ask(id: string) {
    return this.#read(({ history }) => history.ask(id));
  }
  runOf(id: string) {
    return this.#read(({ history }) => history.runIdOf(id));
  }
  timeline(chain: string, after?: number, limit?: number) {
    return this.#read(({ history }) => history.timeline(chain, after, limit));
  }
  drills(limit: number) {
    return this.#read(({ history }) => history.drills(limit));
  }
  chains() {
    return this.#read(({ history }) => history.chains());
  }
  /** One replica so far: what it knows is never old. */
  async beat(landed: number): Promise<Beat> {
    return { ...(await this.haltState()), replicas: [{ id: this.replica, quietMs: 0, landed }] };
  }
  watch(): () => void {
    return () => {};
  }
  seal() {
    return this.#read(({ history }) => history.seal());
  }
  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]) {
    return this.#read(({ history }) => history.tiles(places));
  }
  leafOf(chain: string, seq: number) {
    return this.#read(({ history }) => history.leafOf(chain, seq));
  }
  async close(): Promise<void> {}
}
