import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Approval, Ask } from '../../domain/approval.ts';
import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Op, ResultOf } from '../../domain/ops.ts';
import type { Run } from '../../domain/run.ts';
import type { Beat, FactsQuery, Store, StoredTile } from '../../domain/store.ts';
import { wrappingKey } from '../../ledger/seal.ts';
import { owned } from '../owned.ts';
import { CommitQueue } from '../queue.ts';
import { answersFrom, errorFrom, opsFrom } from '../wire.ts';
import type { SqliteCore } from './core.ts';
import { type Database, openReader, said } from './database.ts';
import { History } from './history.ts';
import { DATABASE_FILE, lockDirectory } from './lock.ts';
import { Payloads } from './payloads.ts';
import { Reads } from './reads.ts';
import { Snapshot } from './snapshot.ts';
import type { FromWorker, ToWorker, WorkerStart } from './threads.ts';

export interface SqliteStoreOptions {
  /** Made when absent (0700); this process's alone until `close`. */
  readonly directory: string;
  /** 32 bytes; the key of the data in this directory. */
  readonly masterKey: Uint8Array;
  readonly doors: Doors;
  /** The size at which the store stops rather than fill the disk. */
  readonly maxBytes?: number;
  /**
   * Runs `flush` when this turn of the event loop has brought what it will, so that its commits go over in one message.
   * `setImmediate` where there is a loop; without it each callback's commits go over by themselves.
   */
  readonly soon?: (flush: () => void) => void;
}

/**
 * The embedded store: reads on the calling thread, writes on a thread of their own with group commit. Throws
 * SignalboxError `STORE_LOCKED`, `STORE_NEWER`, `MASTER_KEY`, `STORE_DOWN`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { directory, masterKey, doors } = options;
  const wrapping = wrappingKey(masterKey);
  const lock = lockDirectory(directory);
  const file = join(directory, DATABASE_FILE);
  const known = new Snapshot();
  let writer: Writer | null = null;
  try {
    const start = {
      file,
      masterKey: Uint8Array.from(masterKey),
      seed: doors.entropy.bytes(32),
      at: doors.clock.now(),
      maxBytes: options.maxBytes ?? null,
    };
    writer = await startWriter(start, known, options.soon ?? process.nextTick);
    const { queue, close } = writer;
    const reader = openReader(file);
    return new SqliteStore({ reader, wrapping, doors, queue, known }, async () => {
      await queue.drain();
      queue.fail(closed());
      reader.close();
      await close();
      lock.release();
    });
  } catch (error) {
    await writer?.close();
    lock.release();
    throw error;
  }
}

/**
 * The same store on one thread over a core of the caller's, for tests; the caller closes the core. `known`: shared by all
 * stores over one core, so that each hears what the others did.
 */
export function storeOver(
  core: SqliteCore,
  masterKey: Uint8Array,
  doors: Doors,
  known = new Snapshot(),
): Store {
  const queue: CommitQueue = new CommitQueue({
    post(texts) {
      try {
        const applied = core.apply(opsFrom(texts));
        queue.answered(answersFrom(applied, core.takeDrawn()));
      } catch (error) {
        queue.fail(downFrom(error));
      }
    },
    soon: (flush) => process.nextTick(flush),
    heard: (ops, { drawn }) => known.heard(ops, drawn),
  });
  const reader = core.database;
  const wrapping = wrappingKey(masterKey);
  return new SqliteStore({ reader, wrapping, doors, queue, known }, async () => {
    await queue.drain();
    queue.fail(closed());
  });
}

interface Writer {
  readonly queue: CommitQueue;
  close(): Promise<void>;
}

function startWriter(
  start: WorkerStart,
  known: Snapshot,
  soon: (flush: () => void) => void,
): Promise<Writer> {
  // The build renames the file; the one beside this one is of the same kind.
  const name = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
  const worker = new Worker(new URL(name, import.meta.url), { workerData: start, stdin: false });
  const say = (message: ToWorker): void => worker.postMessage(message);
  const queue = new CommitQueue({
    post: say,
    soon,
    heard: (ops, { drawn }) => known.heard(ops, drawn),
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    const fail = (reason: SignalboxError): void => {
      queue.fail(reason);
      reject(reason);
    };
    worker.on('error', (error) => fail(downFrom(error)));
    worker.on('exit', () => fail(down('its writing thread ended')));
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'applied') queue.answered(message);
      else if (message.kind === 'down') fail(errorFrom(message.fault));
      else if (message.kind === 'ready')
        resolve({
          queue,
          close: async () => {
            say('close');
            await exited;
          },
        });
    });
  });
}

function closed(): SignalboxError {
  return new SignalboxError('STORE_DOWN', 'the store is closed');
}

function down(why: string): SignalboxError {
  return new SignalboxError('STORE_DOWN', `the store failed: ${why}`);
}

function downFrom(error: unknown): SignalboxError {
  return error instanceof SignalboxError ? error : down(said(error));
}

interface Parts {
  readonly reader: Database;
  readonly wrapping: ReturnType<typeof wrappingKey>;
  readonly doors: Doors;
  readonly queue: CommitQueue;
  readonly known: Snapshot;
}

class SqliteStore implements Store {
  readonly replica: string;
  readonly alone = true;
  readonly #queue: CommitQueue;
  readonly #reads: Reads;
  readonly #history: History;
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | null = null;

  constructor({ reader, wrapping, doors, queue, known }: Parts, end: () => Promise<void>) {
    const payloads = new Payloads(reader, wrapping);
    this.replica = doors.entropy.id('replica');
    this.#queue = queue;
    this.#reads = new Reads(reader, payloads, known);
    this.#history = new History(reader, this.#reads, payloads, doors.clock);
    this.#end = end;
  }

  commit<O extends Op>(op: O): Promise<ResultOf<O>> {
    return this.#queue.commit(owned(op, this.replica));
  }

  factsFor(query: FactsQuery) {
    return this.#read((reads) => reads.factsFor(query));
  }
  usage(keys: readonly string[]) {
    return this.#read((reads) => reads.usage(keys));
  }
  haltState() {
    return this.#read((reads) => reads.haltState());
  }
  /** One directory belongs to one process: it is the only replica, and what it knows of halts is never old. */
  async beat(landed: number): Promise<Beat> {
    return { ...(await this.haltState()), replicas: [{ id: this.replica, quietMs: 0, landed }] };
  }
  watch(): () => void {
    return () => {};
  }
  repeats(call: Parameters<Store['repeats']>[0]) {
    return this.#read((reads) => reads.repeats(call));
  }
  cost(root: string) {
    return this.#read(() => this.#history.cost(root));
  }
  costsOf(agent: string) {
    return this.#read(() => this.#history.costsOf(agent));
  }
  trail(root: string, most: number) {
    return this.#read(() => this.#history.trail(root, most));
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
  isTaken(claim: string) {
    return this.#read((reads) => reads.isTaken(claim));
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
  liveRuns() {
    return this.#read((reads) => reads.liveRuns());
  }
  runsUnder(root: string) {
    return this.#read((reads) => reads.runsUnder(root));
  }
  run(id: string) {
    return this.#read((reads) => reads.run(id));
  }
  runs(filter: { readonly limit: number; readonly state?: Run['state'] }) {
    return this.#read(() => this.#history.runs(filter));
  }
  asks(filter: { readonly limit: number; readonly state?: Approval['state'] }) {
    return this.#read(() => this.#history.asks(filter));
  }
  ask(id: string): Promise<Ask | null> {
    return this.#read(() => this.#history.ask(id));
  }
  runOf(id: string) {
    return this.#read(() => this.#history.runIdOf(id));
  }
  timeline(chain: string, after?: number, limit?: number) {
    return this.#read(() => this.#history.timeline(chain, after, limit));
  }
  drills(limit: number) {
    return this.#read(() => this.#history.drills(limit));
  }
  chains() {
    return this.#read(() => this.#history.chains());
  }

  seal() {
    return this.#read(() => this.#history.seal());
  }
  tiles(places: readonly Pick<StoredTile, 'level' | 'place'>[]) {
    return this.#read(() => this.#history.tiles(places));
  }
  leafOf(chain: string, seq: number) {
    return this.#read(() => this.#history.leafOf(chain, seq));
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** A store that cannot write is not read either: what it last said of halts may be old. */
  async #read<T>(read: (reads: Reads) => T): Promise<T> {
    if (this.#queue.down !== null) throw this.#queue.down;
    try {
      return read(this.#reads);
    } catch (error) {
      throw downFrom(error);
    }
  }
}
