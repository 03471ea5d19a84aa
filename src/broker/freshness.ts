import type { Clock } from '../domain/doors.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { HaltScope } from '../domain/halt.ts';
import { Joined } from '../domain/joined.ts';
import type { Beat, Replica, Store } from '../domain/store.ts';

/** How old this replica's knowledge of halts may be. */
export const FRESH_MS = 1_000;
const BOUND_MS = { least: 250, most: 5_000 };
const LEAST_BEAT_MS = 50;
const MOST_RAISED = 256;
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
  /** Everything that halts up to this number had to bring down here has landed. Told with every question. */
  landed = 0;
  readonly #store: Pick<Store, 'replica' | 'alone' | 'beat'>;
  readonly #clock: Clock;
  #sentAt = Number.NEGATIVE_INFINITY;
  #replicas: readonly Replica[] = [];
  #epoch = -1;
  #bundle: string | null = null;
  readonly #raising = new Set<{ readonly scope: HaltScope }>();
  /** Of halts that were raised here, the newest: what of theirs could not be ended. Asked for when they are heard of. */
  readonly #raised = new Map<number, Promise<readonly string[]>>();
  readonly #again = new Joined<Beat>(() => this.ask());
  /** What other replicas that are known told of their landings. */
  readonly #told = new Map<string, number>();

  constructor(
    store: Pick<Store, 'replica' | 'alone' | 'beat'>,
    clock: Clock,
    boundMs: number = FRESH_MS,
  ) {
    this.replica = store.replica;
    this.#store = store;
    this.#clock = clock;
    this.boundMs = boundMs;
  }

  /** Asks the store what stands, and says that this replica lives. Throws what the store throws. */
  async ask(): Promise<Beat> {
    const sentAt = this.#clock.monotonic();
    const beat = await this.#store.beat(this.landed);
    // one that was overtaken changes nothing
    if (sentAt >= this.#sentAt && beat.stamp.halt >= this.#epoch) {
      this.#sentAt = sentAt;
      this.#epoch = beat.stamp.halt;
      for (const id of this.#told.keys())
        if (!beat.replicas.some((one) => one.id === id)) this.#told.delete(id);
      this.#replicas = beat.replicas.map((one) => this.#withTold(one));
      this.#bundle = beat.stamp.bundle;
    }
    return beat;
  }

  /** Resolves when a question that was sent after this call is over, answered or not; all who wait share it. */
  async lookAgain(): Promise<void> {
    await this.#again.ask().catch(() => undefined);
  }

  /**
   * Another replica told that it has landed. The notice comes with the commit that says so to all; an answer that was on
   * its way then takes nothing of that back. The store looks once more by itself before it takes a halt for inert.
   */
  heardLanding({ replica, landed }: { readonly replica: string; readonly landed: number }): void {
    if (!this.#replicas.some(({ id }) => id === replica)) return;
    this.#told.set(replica, Math.max(landed, this.#told.get(replica) ?? 0));
    this.#replicas = this.#replicas.map((one) => this.#withTold(one));
  }

  #withTold(one: Replica): Replica {
    const told = this.#told.get(one.id) ?? 0;
    return one.landed >= told ? one : { ...one, landed: told };
  }

  /** A halt was raised here, and `landing` brings down what it reaches on this replica. */
  raised(epoch: number, landing: Promise<readonly string[]>): void {
    if (this.#store.alone) return;
    this.#raised.set(epoch, landing);
    for (const old of this.#raised.keys()) {
      if (this.#raised.size <= MOST_RAISED) break;
      this.#raised.delete(old);
    }
  }

  /** A halt of this scope is being raised here: its own notice tells nothing new. The answer says that it is over. */
  raising(scope: HaltScope): () => void {
    const one = { scope };
    this.#raising.add(one);
    return () => void this.#raising.delete(one);
  }

  isRaising(scope: HaltScope): boolean {
    return [...this.#raising].some((one) => one.scope === scope);
  }

  /** Undefined: nobody here brought it down. */
  landingOf(epoch: number): Promise<readonly string[]> | undefined {
    return this.#raised.get(epoch);
  }

  /** The newest halt number it has heard of. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The digest of the bundle that was active when it last heard, no longer ago than the bound; else null. */
  get bundle(): string | null {
    return this.leftMs >= 0 ? this.#bundle : null;
  }

  get isFresh(): boolean {
    return this.#store.alone || this.leftMs >= 0;
  }

  /** How long it stays fresh; negative when it is stale. */
  get leftMs(): number {
    return this.#sentAt + this.boundMs - this.#clock.monotonic();
  }

  /** Throws SignalboxError `STORE_STALE`. */
  require(): void {
    if (!this.isFresh) throw stale();
  }

  get deadMs(): number {
    return this.boundMs * DEAD_AFTER_BOUNDS;
  }

  /**
   * Says of each replica whether this one takes over what it left; only of what was read before this was called. A
   * replica beats before it records anything: one that the answer does not name is gone.
   */
  async whoseIsLeft(): Promise<(replica: string | null) => boolean> {
    if (!this.#store.alone) await this.ask();
    return (replica) => this.isEldest && this.isDead(replica);
  }

  /** Never on old knowledge. Null: of no replica that lives. */
  isDead(replica: string | null): boolean {
    if (replica === this.replica || !this.isFresh) return false;
    const known = this.#replicas.find(({ id }) => id === replica);
    return known === undefined || known.quietMs > this.deadMs;
  }

  /** One of the living takes over from the dead, so that not all do the same at once. */
  get isEldest(): boolean {
    if (this.#store.alone) return true;
    const living = this.#replicas.filter(({ quietMs }) => quietMs <= this.boundMs);
    return this.isFresh && living.every(({ id }) => this.replica <= id);
  }

  get others(): readonly Replica[] {
    return this.#replicas.filter(({ id }) => id !== this.replica);
  }
}

/** The bounds asked for, or the usual ones. A beat that comes too late for its bound is refused with `CONFIG_INVALID`. */
export function boundsOf({
  boundMs = FRESH_MS,
  beatMs = boundMs / 4,
}: {
  readonly boundMs?: number;
  readonly beatMs?: number;
} = {}): {
  readonly boundMs: number;
  readonly beatMs: number;
} {
  if (!(boundMs >= BOUND_MS.least && boundMs <= BOUND_MS.most))
    throw new SignalboxError(
      'CONFIG_INVALID',
      `expected a freshness bound of ${BOUND_MS.least} to ${BOUND_MS.most} ms, got ${boundMs}`,
    );
  if (!(beatMs >= LEAST_BEAT_MS && beatMs <= boundMs / 2))
    throw new SignalboxError(
      'CONFIG_INVALID',
      `expected a beat every ${LEAST_BEAT_MS} to ${boundMs / 2} ms, got ${beatMs}`,
    );
  return { boundMs, beatMs };
}

export function stale(): SignalboxError {
  return new SignalboxError(
    'STORE_STALE',
    'what this replica knows of halts is older than its bound',
  );
}
