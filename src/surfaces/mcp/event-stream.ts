import type { ServerResponse } from 'node:http';
import { securityHeaders } from '../http/exchange.ts';
import type { Exchange } from '../http/listener.ts';

/** Bytes that a client may leave unread before it is cut off, and from which on a teller waits for it. */
const MAX_UNREAD = 1_048_576;
const PATIENT_UNREAD = 65_536;
/** What one stream keeps for a client that comes back. */
const MAX_KEPT = 256;
const MAX_KEPT_BYTES = 262_144;
const RETRY_MS = 1_000;

/**
 * One server-sent event stream, apart from the connection it is written to.
 *   open → ended                 the last message was written
 *   open → gone                  the client went away, and cannot come back
 *   open → away → open           a resumable one whose client comes back (`Last-Event-ID`)
 *   away → gone                  it did not come back in time
 * A resumable stream gives every message an id and keeps the last ones.
 */
export class EventStream {
  readonly id: string | null;
  state: 'open' | 'away' | 'gone' | 'ended' = 'open';
  /** Reading of the monotonic clock when the client went away. */
  awaySince = 0;
  readonly #now: () => number;
  readonly #onGone: (stream: EventStream) => void;
  readonly #kept: { readonly at: number; readonly text: string }[] = [];
  #response: ServerResponse | null = null;
  #at = 0;
  #keptBytes = 0;
  #ending = false;

  /** `id`: null for a stream that cannot be resumed. `onGone` is called once. */
  constructor(id: string | null, now: () => number, onGone: (stream: EventStream) => void) {
    this.id = id;
    this.#now = now;
    this.#onGone = onGone;
  }

  /** Writes the head, and what came after `after`; from now on messages go there. */
  attach({ request, response }: Exchange, after: number | null = null): void {
    const former = this.#response;
    this.#response = null;
    former?.end();
    if (response.destroyed) {
      this.#left(response);
      return;
    }
    response.writeHead(200, {
      ...securityHeaders('encrypted' in request.socket),
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    });
    this.#response = response;
    if (this.state !== 'ended') this.state = 'open';
    response.once('close', () => this.#left(response));
    if (this.id !== null && after === null)
      response.write(`id: ${this.id}.0\nretry: ${RETRY_MS}\ndata: \n\n`);
    else response.flushHeaders();
    if (after !== null) for (const { at, text } of this.#kept) if (at > after) response.write(text);
    if (this.#ending) this.#finish();
  }

  /** One message. Resolves when the client has room for more; never rejects. */
  async message(text: string): Promise<void> {
    if (this.state === 'gone' || this.#ending) return;
    const event = this.id === null ? `event: message\ndata: ${text}\n\n` : this.#numbered(text);
    const response = this.#response;
    if (response === null || response.destroyed) return;
    if (response.writableLength > MAX_UNREAD) {
      response.destroy();
      return;
    }
    response.write(event);
    if (response.writableLength > PATIENT_UNREAD) await room(response);
  }

  /** A sign of life that says nothing. */
  comment(): void {
    if (this.#response !== null && !this.#response.destroyed) this.#response.write(': \n\n');
  }

  /** Nothing more will come. */
  end(): void {
    this.#ending = true;
    this.#finish();
  }

  /** Cuts it off: the client waited too long to come back, or must not hear more. */
  drop(): void {
    if (this.state === 'gone') return;
    const ended = this.state === 'ended';
    this.state = 'gone';
    this.#kept.length = 0;
    this.#response?.end();
    this.#response = null;
    if (!ended) this.#onGone(this);
  }

  #finish(): void {
    if (this.#response === null) return;
    const response = this.#response;
    this.state = 'ended';
    this.#response = null;
    response.end();
  }

  #numbered(text: string): string {
    const event = `id: ${this.id}.${++this.#at}\nevent: message\ndata: ${text}\n\n`;
    this.#kept.push({ at: this.#at, text: event });
    this.#keptBytes += event.length;
    while (
      this.#kept.length > MAX_KEPT ||
      (this.#keptBytes > MAX_KEPT_BYTES && this.#kept.length > 1)
    )
      this.#keptBytes -= this.#kept.shift()?.text.length ?? 0;
    return event;
  }

  #left(response: ServerResponse): void {
    if (this.#response !== response && this.#response !== null) return;
    if (this.state !== 'open') return;
    this.#response = null;
    if (this.id === null) this.drop();
    else {
      this.state = 'away';
      this.awaySince = this.#now();
    }
  }
}

function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.once('drain', go);
    response.once('close', go);
  });
}
