import pg from 'pg';
import type { Timers } from '../../domain/doors.ts';
import type { PostgresAddress } from './address.ts';
import { channelOf } from './locks.ts';
import { Session } from './session.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** Keeps a session that nothing is said on from being taken for dead, and finds out when it is. */
const ASK_EVERY_MS = 5_000;

/** Listens on a connection of its own, and connects again when that is lost. What came meanwhile was missed. */
export class Listener {
  readonly #address: PostgresAddress;
  readonly #timers: Timers;
  readonly #heard = new Set<(key: string) => void>();
  #session: Session | null = null;
  #isRunning = false;
  #isClosed = false;
  #ready: (() => void)[] = [];

  constructor(address: PostgresAddress, timers: Timers) {
    this.#address = address;
    this.#timers = timers;
  }

  add(heard: (key: string) => void): () => void {
    this.#heard.add(heard);
    if (!this.#isRunning) void this.#run();
    return () => {
      this.#heard.delete(heard);
      if (this.#heard.size === 0) void this.#session?.end();
    };
  }

  /** Resolves once it listens; for tests, and never while nobody watches. */
  listening(): Promise<void> {
    if (this.#session !== null && !this.#session.isLost) return Promise.resolve();
    return new Promise((resolve) => this.#ready.push(resolve));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#heard.clear();
    await this.#session?.end();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    let pause = FIRST_PAUSE_MS;
    while (this.#heard.size > 0 && !this.#isClosed) {
      try {
        await this.#listen();
        pause = FIRST_PAUSE_MS;
      } catch {
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
      if (this.#heard.size > 0 && !this.#isClosed)
        await new Promise<void>((resolve) => this.#timers.after(pause, resolve));
    }
    this.#isRunning = false;
  }

  /** Resolves when the session is over. */
  async #listen(): Promise<void> {
    const session = await Session.open(this.#address, { use: 'notices' });
    const over = Promise.withResolvers<void>();
    session.onLost(() => over.resolve());
    session.onNotice((key) => {
      for (const heard of this.#heard) heard(key);
    });
    const asking = this.#timers.every(ASK_EVERY_MS, () => {
      session.say('SELECT 1').catch(() => session.destroy());
    });
    try {
      await session.say(`LISTEN ${pg.escapeIdentifier(channelOf(session.key))}`);
      this.#session = session;
      for (const tell of this.#ready.splice(0)) tell();
      if (this.#heard.size === 0 || this.#isClosed) return;
      await over.promise;
    } finally {
      asking.cancel();
      this.#session = null;
      await session.end();
    }
  }
}
