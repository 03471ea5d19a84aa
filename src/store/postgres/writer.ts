import type { Doors } from '../../domain/doors.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { Bytes } from '../../ledger/seal.ts';
import type { CommitQueue } from '../queue.ts';
import { answersFrom } from '../wire.ts';
import type { Applied, Work } from '../work.ts';
import type { PostgresAddress } from './address.ts';
import { applyBatch, type Committing } from './batch.ts';
import { KeyRing } from './chains.ts';
import { fateOf } from './fate.ts';
import { KnownUsage } from './load.ts';
import { downBecause, Session, stateOf } from './session.ts';

/*
 *             ┌──────────────── the connection is lost ───────────────┐
 *             │                                                       ▼
 *   open ▶ serving ◀── connected, store still ours ── away: everything is refused, tries again with growing pauses
 *             └── close ▶ closed
 *
 * What was handed over and not yet sent when the connection is lost is rejected: it was not done. A batch whose COMMIT
 * was sent waits until its fate is found out on a new connection, or is rejected when that cannot be.
 */

/** Everything waiting goes into the next transaction, so many ops at most. */
const BATCH = 512;
/** Locks that were not to be had, or a deadlock: the batch was taken back whole and is done again. */
const AGAIN = new Set(['40001', '40P01', '55P03']);
const TRIES = 5;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface WriterOptions {
  readonly address: PostgresAddress;
  readonly wrapping: ConstructorParameters<typeof KeyRing>[0];
  readonly bytes: Bytes;
  readonly doors: Doors;
  readonly queue: CommitQueue;
  /** Throws when the database at the other end is not this store any more. */
  recognise(session: Session): Promise<void>;
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #ring: KeyRing;
  readonly #known = new KnownUsage();
  #session: Session;
  #pending: Work[] = [];
  /** Works that are being applied. */
  #flying = 0;
  #isPumping = false;
  #isClosed = false;
  #isReturning = false;
  #returned: (() => void)[] = [];

  constructor(session: Session, options: WriterOptions) {
    this.#options = options;
    this.#ring = new KeyRing(options.wrapping, options.bytes);
    this.#session = session;
    this.#guard(session);
  }

  take(works: readonly Work[]): void {
    for (const work of works) this.#pending.push(work);
    if (!this.#isPumping) void this.#pump();
  }

  /** Something else could not reach the server: our connection is not to be trusted either. */
  doubt(): void {
    if (this.#isClosed || this.#session.isLost) return;
    this.#session.destroy();
    // What is being applied ends by itself now, and is asked about.
    if (this.#flying === 0) this.#lost(new Error('the server does not answer'));
  }

  /** Resolves once the store can be reached again; at once when it can. */
  back(): Promise<void> {
    if (this.#options.queue.down === null || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#returned.push(resolve));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#session.end();
  }

  #guard(session: Session): void {
    session.onLost(() => {
      if (session === this.#session && !this.#isClosed && this.#flying === 0)
        this.#lost(new Error('the connection to the server was lost'));
    });
  }

  async #pump(): Promise<void> {
    this.#isPumping = true;
    while (this.#pending.length > 0 && this.#options.queue.down === null) {
      const works = this.#pending.splice(0, BATCH);
      this.#flying = works.length;
      const applied = await this.#settled(works);
      this.#flying = 0;
      if (applied !== null) this.#options.queue.answered(answersFrom(applied, []));
    }
    this.#isPumping = false;
  }

  /** Null when the batch was rejected, with everything behind it. */
  async #settled(works: readonly Work[]): Promise<readonly Applied[] | null> {
    const { queue } = this.#options;
    for (let tries = 1; ; tries++) {
      let doubt: { what: Committing; applied: readonly Applied[] } | null = null;
      const session = this.#session;
      try {
        return await applyBatch(works, {
          session,
          ring: this.#ring,
          known: this.#known,
          committing: (what, applied) => {
            doubt = { what, applied };
          },
        });
      } catch (error) {
        if (!session.isLost && AGAIN.has(stateOf(error) ?? '')) {
          if (tries < TRIES) {
            await this.#pause(tries * 5);
            continue;
          }
          return works.map(() => ({ fault: downBecause(error) }));
        }
        if (!session.isLost) session.destroy();
        if (doubt === null) {
          this.#lost(error);
          return null;
        }
        return this.#inDoubt(doubt, error, works.length, queue);
      }
    }
  }

  async #inDoubt(
    { what, applied }: { readonly what: Committing; readonly applied: readonly Applied[] },
    error: unknown,
    count: number,
    queue: CommitQueue,
  ): Promise<readonly Applied[] | null> {
    queue.fail(downBecause(error), count);
    this.#pending = [];
    const { address, doors } = this.#options;
    const fate = await fateOf(what, { address, doors });
    if (fate === 'committed') queue.answered(answersFrom(applied, []));
    this.#lost(error);
    return null;
  }

  #lost(error: unknown): void {
    const { queue } = this.#options;
    if (this.#isClosed) return;
    this.#pending = [];
    queue.fail(downBecause(error));
    if (!this.#isReturning) void this.#return();
  }

  async #return(): Promise<void> {
    this.#isReturning = true;
    const { address, queue } = this.#options;
    for (
      let pause = FIRST_PAUSE_MS;
      !this.#isClosed;
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    ) {
      await this.#pause(pause);
      let session: Session | null = null;
      try {
        session = await Session.open(address, { use: 'writer' });
        await this.#options.recognise(session);
        if (this.#isClosed) return await session.end();
        this.#session = session;
        this.#guard(session);
        break;
      } catch (error) {
        session?.destroy();
        queue.say(downBecause(error));
      }
    }
    this.#isReturning = false;
    if (this.#isClosed) return;
    queue.resume();
    for (const tell of this.#returned.splice(0)) tell();
    // Lost again while nobody was looking: the guard was told before the queue was open.
    if (this.#session.isLost) this.#lost(new Error('the connection to the server was lost'));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#options.doors.timers.after(ms, resolve);
    });
  }
}

export function closed(): SignalboxError {
  return new SignalboxError('STORE_DOWN', 'the store is closed');
}
