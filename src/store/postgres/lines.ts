import { SignalboxError } from '../../domain/errors.ts';
import type { PostgresAddress } from './address.ts';
import { downBecause, Session, type SessionOptions, stateOf } from './session.ts';

/** One connection for reading, made when it is needed and made anew after it was lost. */
export class Line {
  readonly #address: PostgresAddress;
  readonly #options: SessionOptions;
  #opening: Promise<Session> | null = null;
  #isClosed = false;

  constructor(address: PostgresAddress, options: SessionOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Throws SignalboxError `STORE_DOWN`; `unreachable` tells that it was the connection. */
  async use<T>(read: (session: Session) => Promise<T>, unreachable: () => void): Promise<T> {
    let session: Session | null = null;
    try {
      session = await this.#session();
      return await read(session);
    } catch (error) {
      if (error instanceof SignalboxError && session !== null && !session.isLost) throw error;
      const isOurs = session !== null && stateOf(error) !== null && !session.isLost;
      if (!isOurs && !this.#isClosed) {
        session?.destroy();
        unreachable();
      }
      throw downBecause(error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    this.#opening = null;
    await opening?.then(
      (session) => session.end(),
      () => {},
    );
  }

  async #session(): Promise<Session> {
    if (this.#isClosed) throw new SignalboxError('STORE_DOWN', 'the store is closed');
    const known = this.#opening;
    if (known !== null) {
      const session = await known;
      if (!session.isLost) return session;
      if (this.#opening === known) this.#opening = null;
      return this.#session();
    }
    const opening = Session.open(this.#address, this.#options);
    this.#opening = opening;
    opening.catch(() => {
      if (this.#opening === opening) this.#opening = null;
    });
    return opening;
  }
}
