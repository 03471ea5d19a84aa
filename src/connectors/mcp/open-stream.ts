import type { Timer, Timers } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { SseReader } from '../../protocols/mcp/sse.ts';
import { readHeard } from '../../protocols/mcp/upstream-message.ts';
import { type Headers, headerOf, type Leg, type LegOwner } from './leg.ts';

export interface StreamTerms {
  readonly timers: Timers;
  /** Opens it, from the event after `lastId` where the server can do that. */
  open(owner: LegOwner, lastId: string | null): Leg;
  heard(method: string, params: JsonObject): void;
  /** The server asked something on it. */
  asked(id: string | number, method: string, params: JsonObject): void;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const MAX_EVENT = 256 * 1024;

/**
 * A stream of a server's own notifications:
 *   opening → open → waiting → opening …      it broke off or ended; the wait doubles until something was heard
 *   opening → stopped                         the server has no such stream (4xx, an error, no stream of events)
 *   any → stopped                             by us
 */
export class OpenStream implements LegOwner {
  readonly #terms: StreamTerms;
  #leg: Leg | null = null;
  #reader: SseReader | null = null;
  #lastId: string | null = null;
  #wait = FIRST_WAIT_MS;
  #asked: number | null = null;
  #waiting: Timer | null = null;
  #stopped = false;
  readonly #begun = Promise.withResolvers<void>();

  constructor(terms: StreamTerms) {
    this.#terms = terms;
    this.#open();
  }

  /** Resolves when the server has opened it, or will not. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  stop(): void {
    this.#stopped = true;
    this.#begun.resolve();
    this.#waiting?.cancel();
    this.#leg?.abort();
  }

  head(status: number, headers: Headers): void {
    this.#begun.resolve();
    const isStream =
      status === 200 && headerOf(headers, 'content-type').startsWith('text/event-stream');
    if (isStream) {
      this.#reader = new SseReader(MAX_EVENT, ({ data }) => {
        if (data !== null && data !== '') this.#message(data);
      });
      return;
    }
    this.#reader = null;
    if (status < 500 && status !== 429) {
      this.stop();
      return;
    }
    // what it says instead may have no end
    this.#leg?.abort();
    this.#again();
  }

  data(chunk: Buffer): void {
    if (this.#reader === null) return;
    try {
      this.#reader.push(chunk);
    } catch {
      this.stop();
      return;
    }
    this.#lastId = this.#reader.lastId ?? this.#lastId;
    this.#asked = this.#reader.retry ?? this.#asked;
  }

  end(): void {
    this.#again();
  }

  fail(): void {
    this.#again();
  }

  #open(): void {
    if (this.#stopped) return;
    this.#leg = this.#terms.open(this, this.#lastId);
  }

  #again(): void {
    this.#reader = null;
    if (this.#stopped) return;
    // as it asks, but never in a circle without a pause, and slower while it says nothing
    const wait = Math.min(Math.max(this.#asked ?? this.#wait, this.#wait / 8), LONGEST_WAIT_MS);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
    this.#waiting = this.#terms.timers.after(wait, () => this.#open());
  }

  #message(text: string): void {
    this.#wait = FIRST_WAIT_MS;
    try {
      const heard = readHeard(text);
      if (heard.kind === 'notification') this.#terms.heard(heard.method, heard.params);
      else if (heard.kind === 'request') this.#terms.asked(heard.id, heard.method, heard.params);
      else if (heard.kind === 'error') this.stop();
    } catch {
      this.stop();
    }
  }
}
