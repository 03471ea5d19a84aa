import type { Id } from '../../protocols/mcp/message.ts';
import { eventOf, progressText } from '../../protocols/mcp/results.ts';
import { type Exchange, securityHeaders } from '../http/exchange.ts';

/** Where the answer to one request goes. */
export interface Reply {
  /** Says that the call is still held: opens the stream where the client takes one, else does nothing. */
  held(token: Id | null, message: string): void;
  /** The answer, once. */
  send(status: number, text: string, headers?: Readonly<Record<string, string>>): void;
}

/** Bytes that a client may leave unread in its stream before it is cut off. */
const MAX_UNREAD = 1_048_576;

/** Answers with one JSON body. Once the call is held, and if `streams`, with a server-sent event stream instead. */
export class HttpReply implements Reply {
  readonly #exchange: Exchange;
  readonly #streams: boolean;
  #steps = 0;
  #streaming = false;

  constructor(exchange: Exchange, streams: boolean) {
    this.#exchange = exchange;
    this.#streams = streams;
  }

  held(token: Id | null, message: string): void {
    if (!this.#streams) return;
    this.#open();
    this.#steps++;
    this.#write(token === null ? ': held\n\n' : eventOf(progressText(token, this.#steps, message)));
  }

  send(status: number, text: string, headers: Readonly<Record<string, string>> = {}): void {
    if (this.#streaming) {
      this.#write(eventOf(text));
      this.#exchange.response.end();
    } else this.#exchange.send(status, text, headers);
  }

  #open(): void {
    const { response, request } = this.#exchange;
    if (this.#streaming || response.destroyed) return;
    this.#streaming = true;
    response.writeHead(200, {
      ...securityHeaders('encrypted' in request.socket),
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    });
  }

  #write(text: string): void {
    const { response } = this.#exchange;
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_UNREAD) response.destroy();
    else response.write(text);
  }
}

/** One slot of a batch: nothing can be streamed into it. */
export class BatchSlot implements Reply {
  text: string | null = null;

  held(): void {}

  send(_status: number, text: string): void {
    this.text = text;
  }
}
