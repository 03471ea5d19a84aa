import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Halt } from '../domain/halt.ts';
import type { Beat, Replica, Store } from '../domain/store.ts';

/** How old this replica's knowledge of halts may be. */
export const FRESH_MS = 1_000;
/**
 * Quiet for so many freshness bounds, a replica counts as dead and what it left is taken over. It has served nothing
 * since the first of them, and an adapter lets no aborted flight live for the other nine.
 */
const DEAD_AFTER_BOUNDS = 10;

/**
 * What this replica knows of halts and of the others, and how old that is. Knowledge is as old as the moment at which
 * its question was sent. Compared at each use, so that a process that was paused does nothing on waking:
 *   fresh → stale      no answer for longer than the bound: nothing is begun, nothing is finished
 *   stale → fresh      the next answer
 * A store that only this process writes to is never old.
 */
export class Freshness {
  readonly replica: string;
  readonly boundMs: number;
  readonly #alone: boolean;
  readonly #clock: Clock;
  #sentAt = Number.NEGATIVE_INFINITY;
  #replicas: readonly Replica[] = [];
  #halts: readonly Halt[] = [];
  #epoch = -1;
  #next = Promise.withResolvers<void>();

  constructor(store: Pick<Store, 'replica' | 'alone'>, clock: Clock, boundMs: number = FRESH_MS) {
    this.replica = store.replica;
    this.#alone = store.alone;
    this.#clock = clock;
    this.boundMs = boundMs;
  }

  /** An answer to a question sent at `sentAt` of the monotonic clock. One that was overtaken changes nothing. */
  heard(sentAt: number, { stamp, halts, replicas }: Beat): void {
    if (sentAt < this.#sentAt || stamp.halt < this.#epoch) return;
    this.#sentAt = sentAt;
    this.#epoch = stamp.halt;
    this.#halts = halts;
    this.#replicas = replicas;
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  get isFresh(): boolean {
    return this.#alone || this.leftMs >= 0;
  }

  /** How long it stays fresh; negative when it is stale. */
  get leftMs(): number {
    return this.#sentAt + this.boundMs - this.#clock.monotonic();
  }

  /** Throws SignalboxError `STORE_STALE`. */
  require(): void {
    if (!this.isFresh) throw stale();
  }

  /** Halts in force, as last heard. */
  get halts(): readonly Halt[] {
    return this.#halts;
  }

  get deadMs(): number {
    return this.boundMs * DEAD_AFTER_BOUNDS;
  }

  /** May what this one left be taken over? Never on old knowledge. Null: of no replica that lives. */
  isDead(replica: string | null): boolean {
    if (replica === this.replica || !this.isFresh) return false;
    const known = this.#replicas.find(({ id }) => id === replica);
    return known === undefined || known.quietMs > this.deadMs;
  }

  /** One of the living takes over from the dead, so that not all do the same at once. */
  get isEldest(): boolean {
    if (this.#alone) return true;
    const living = this.#replicas.filter(({ quietMs }) => quietMs <= this.boundMs);
    return this.isFresh && living.every(({ id }) => this.replica <= id);
  }

  get others(): readonly Replica[] {
    return this.#replicas.filter(({ id }) => id !== this.replica);
  }

  /** Resolves with the next answer. */
  next(): Promise<void> {
    return this.#next.promise;
  }
}

export function stale(): SignalboxError {
  return new SignalboxError(
    'STORE_STALE',
    'what this replica knows of halts is older than its bound',
  );
}
