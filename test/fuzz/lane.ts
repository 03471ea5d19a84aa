/** One kept-alive connection: several messages in the air at once, every one of them answered or the connection closed. */
import { connect, type Socket } from 'node:net';

export interface Reply {
  readonly status: number;
  /** Head and body as they came; of a stream only what came so far. */
  readonly text: string;
}

export interface LaneOptions {
  readonly port: number;
  /** Longest silence while an answer is owed. */
  readonly patienceMs: number;
  readonly onReply: (reply: Reply) => void;
  /** So many messages were owed an answer when the connection was closed. */
  readonly onClosed: (owed: number) => void;
  /** Silence for too long; the bytes that were owed an answer first. */
  readonly onHang: (bytes: Buffer) => void;
}

/** A stream that was opened is an answer; it is watched this long and then left. */
const STREAM_MS = 150;
const END = '\r\n\r\n';

export class Lane {
  readonly #options: LaneOptions;
  readonly #socket: Socket;
  readonly #owed: Buffer[] = [];
  #got = '';
  /** Not before so many characters are here is it worth looking at `#got` again. */
  #wanted = 0;
  #streaming = false;
  #timer: NodeJS.Timeout | null = null;
  #idle: (() => void) | null = null;
  closed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#socket = connect({ port: options.port, host: '127.0.0.1' });
    this.#socket.setNoDelay(true);
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#read(text));
    // reset is one way of closing; `close` follows
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#close());
  }

  send(bytes: Buffer): void {
    if (this.closed) return;
    this.#owed.push(bytes);
    this.#socket.write(bytes);
    if (this.#timer === null) this.#watch();
  }

  /** Says that nothing follows; what cannot be completed has to be closed by the other side. */
  finish(): void {
    this.#socket.end();
  }

  /** Resolves when nothing is owed any more, or the connection is closed. */
  idle(): Promise<void> {
    if (this.closed || this.#owed.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  leave(): void {
    this.#owed.length = 0;
    this.#socket.destroy();
  }

  #watch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#owed.length === 0) return;
    this.#timer = setTimeout(() => {
      const first = this.#owed[0];
      if (first !== undefined) this.#options.onHang(first);
      this.leave();
    }, this.#options.patienceMs);
  }

  #read(text: string): void {
    this.#got += text;
    while (this.#take()) {
      // as many whole answers as there are
    }
    this.#watch();
    if (this.#owed.length === 0) this.#rest();
  }

  /** True when one answer was whole. */
  #take(): boolean {
    if (this.#streaming || this.#got.length < this.#wanted) return false;
    const end = this.#got.indexOf(END);
    if (end === -1) return false;
    const head = this.#got.slice(0, end);
    const status = Number(head.slice(9, 12));
    if (status === 100) {
      this.#got = this.#got.slice(end + 4);
      return true;
    }
    const size = isBare(status, this.#owed[0]) ? end + 4 : sizeOf(head, this.#got, end + 4);
    if (size === null) {
      this.#garbled();
      return false;
    }
    if (this.#got.length < size) {
      this.#wanted = size;
      if (/\r\ncontent-type: text\/event-stream/i.test(head)) this.#stream(status);
      return false;
    }
    this.#answer(status, this.#got.slice(0, size));
    this.#got = this.#got.slice(size);
    this.#wanted = 0;
    return true;
  }

  /** What cannot be read as an answer is no answer. */
  #garbled(): void {
    const first = this.#owed[0];
    if (first !== undefined) this.#options.onHang(first);
    this.leave();
  }

  #stream(status: number): void {
    this.#streaming = true;
    setTimeout(() => {
      if (this.closed) return;
      this.#answer(status, this.#got);
      // what was sent behind a stream is not owed an answer any more
      this.leave();
    }, STREAM_MS);
  }

  #answer(status: number, text: string): void {
    this.#owed.shift();
    this.#options.onReply({ status, text });
  }

  #rest(): void {
    const idle = this.#idle;
    this.#idle = null;
    idle?.();
  }

  #close(): void {
    this.closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#owed.length > 0) this.#options.onClosed(this.#owed.length);
    this.#owed.length = 0;
    this.#rest();
  }
}

/** Answers that have no body whatever their head says of one. */
function isBare(status: number, request: Buffer | undefined): boolean {
  return status === 204 || status === 304 || request?.subarray(0, 5).toString('latin1') === 'HEAD ';
}

/**
 * How many characters the answer has that begins at 0, as far as they tell: when they are here, more of it may be
 * known to follow. null: these are not chunks.
 */
function sizeOf(head: string, got: string, start: number): number | null {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return start + Number(length);
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return start;
  for (let at = start; ; ) {
    const line = got.indexOf('\r\n', at);
    if (line === -1) return Math.max(at, got.length) + 1;
    const size = Number.parseInt(got.slice(at, line), 16);
    if (!(size >= 0)) return null;
    at = line + 2 + size + 2;
    if (size === 0) return at;
    if (at > got.length) return at;
  }
}
