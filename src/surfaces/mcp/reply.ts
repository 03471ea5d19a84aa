import type { Id } from '../../protocols/mcp/message.ts';
import { progressText } from '../../protocols/mcp/results.ts';
import type { Exchange } from '../http/listener.ts';
import type { EventStream } from './event-stream.ts';
import type { Streams } from './streams.ts';

/** Where the answer to one request goes. */
export interface Reply {
  /** The client takes more than one message. */
  readonly streams: boolean;
  /** Says that the call is still held, where the client takes a stream. */
  held(token: Id | null, message: string): void;
  /** A message before the answer. Resolves when there is room for more. */
  tell(text: string): Promise<void>;
  /** The answer, once. */
  send(status: number, text: string, headers?: Readonly<Record<string, string>>): void;
}

/** How a stream is opened if the answer to a request becomes one. */
export interface StreamTerms {
  readonly streams: Streams;
  /** Session or token that the stream belongs to. */
  readonly owner: string;
  readonly resumable: boolean;
}

/** What a hold adds to the progress it tells: little, so that a target's own progress still grows from there. */
const STEP = 0.001;

/** Answers with one JSON body; with a server-sent event stream once anything is to be said before it. */
export class HttpReply implements Reply {
  readonly #exchange: Exchange;
  readonly #terms: StreamTerms | null;
  #stream: EventStream | null = null;
  #steps = 0;
  /** Called when the client of a stream has left for good. */
  onGone: (() => void) | null = null;

  /** `terms`: null for a client that takes no stream. */
  constructor(exchange: Exchange, terms: StreamTerms | null) {
    this.#exchange = exchange;
    this.#terms = terms;
  }

  get streams(): boolean {
    return this.#terms !== null;
  }

  /** The connection may close without the client being gone: it can come back to its stream. */
  get outlives(): boolean {
    return this.#stream !== null && this.#stream.id !== null;
  }

  held(token: Id | null, message: string): void {
    const stream = this.#opened();
    if (stream === null) return;
    this.#steps++;
    if (token === null) stream.comment();
    else void stream.message(progressText(token, this.#steps * STEP, message));
  }

  async tell(text: string): Promise<void> {
    await this.#opened()?.message(text);
  }

  send(status: number, text: string, headers?: Readonly<Record<string, string>>): void {
    const stream = this.#stream;
    if (stream === null) {
      this.#exchange.send(status, text, headers);
      return;
    }
    void stream.message(text);
    this.#terms?.streams.ended(stream);
  }

  #opened(): EventStream | null {
    if (this.#stream !== null || this.#terms === null) return this.#stream;
    const { streams, owner, resumable } = this.#terms;
    this.#stream = streams.open(owner, resumable, () => this.onGone?.());
    this.#stream.attach(this.#exchange);
    return this.#stream;
  }
}

/** One slot of a batch: nothing can be streamed into it. */
export class BatchSlot implements Reply {
  readonly streams = false;
  text: string | null = null;

  held(): void {}

  async tell(): Promise<void> {}

  send(_status: number, text: string): void {
    this.text = text;
  }
}
