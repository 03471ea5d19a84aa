import { SignalboxError } from '../../src/domain/errors.ts';
import { type Halt, noticeOf } from '../../src/domain/halt.ts';
import type { Op } from '../../src/domain/ops.ts';
import type { Beat, Replica, Store } from '../../src/domain/store.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { Snapshot } from '../../src/store/sqlite/snapshot.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import type { Process, Time } from './time.ts';

const MASTER_KEY = Buffer.alloc(32, 7);

/** The way of one replica to the store. Cut, what it asks goes unanswered until the way is mended, and then comes late. */
export class Way {
  /** Commits that never arrive, and reject. */
  loses: (op: Op) => boolean = () => false;
  #isCut = false;
  #mended = Promise.withResolvers<void>();

  cut(): void {
    this.#isCut = true;
    this.#mended = Promise.withResolvers();
  }

  mend(): void {
    this.#isCut = false;
    this.#mended.resolve();
  }

  async go<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isCut) await this.#mended.promise;
    const answer = await work();
    if (this.#isCut) await this.#mended.promise;
    return answer;
  }
}

/** One store for several brokers: the real synchronous core, what is known of it in common, and a table of beats. */
export class SharedStore {
  readonly #core: SqliteCore;
  readonly #known = new Snapshot();
  readonly #time: Time;
  readonly #beats = new Map<string, { at: number; landed: number }>();
  readonly #watching = new Map<string, (key: string) => void>();
  /** Notices reach nobody: only asking is left. */
  isDeaf = false;

  constructor(time: Time) {
    this.#time = time;
    this.#core = openSqliteCore({
      file: ':memory:',
      masterKey: MASTER_KEY,
      bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      at: Date.now(),
    });
  }

  open(process: Process, way: Way): Store {
    const store = storeOver(this.#core, MASTER_KEY, this.#time.doorsOf(process), this.#known);
    const over: Partial<Store> = {
      alone: false,
      beat: (landed) => way.go(() => this.#beat(store, landed)),
      watch: (heard) => {
        this.#watching.set(store.replica, heard);
        return () => void this.#watching.delete(store.replica);
      },
      commit: (op) =>
        way.go(async () => {
          if (way.loses(op)) throw new SignalboxError('STORE_DOWN', 'lost on the way');
          if (this.#mayFly(op, store.replica)) return { ok: false, because: 'flying' } as never;
          const answer = await store.commit(op);
          if (op.kind === 'halt.raise' && 'halt' in answer)
            this.tell(noticeOf(answer.halt as Halt));
          if (op.kind === 'halt.lift') this.tell('halt');
          if (op.kind === 'run.end') this.tell(`run:${op.runId}`);
          if (op.kind === 'approval.answer') this.tell(`ask:${op.approvalId}`);
          return answer;
        }),
      close: async () => void this.#beats.delete(store.replica),
    };
    return new Proxy(store, {
      get: (target, key) => {
        if (key in over) return over[key as keyof Store];
        const value = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => way.go(() => value.apply(target, given));
      },
    });
  }

  close(): void {
    this.#core.close();
  }

  /** As a store that replicas share must look before it says inert. */
  #mayFly(op: Op, replica: string): boolean {
    if (op.kind !== 'halt.inert') return false;
    const now = this.#time.elapsed;
    return [...this.#beats].some(
      ([id, { at, landed }]) => id !== replica && landed < op.epoch && now - at <= op.heardMs,
    );
  }

  async #beat(store: Store, landed: number): Promise<Beat> {
    const now = this.#time.elapsed;
    this.#beats.set(store.replica, { at: now, landed });
    const replicas = [...this.#beats].map(([id, beat]): Replica => {
      return { id, quietMs: now - beat.at, landed: beat.landed };
    });
    return { ...(await store.haltState()), replicas };
  }

  /** Of what happened, or of what did not. */
  tell(key: string): void {
    if (!this.isDeaf) for (const heard of this.#watching.values()) heard(key);
  }
}
