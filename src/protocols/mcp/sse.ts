import { StringDecoder } from 'node:string_decoder';

/** One event of a stream. `data` is null for an event that only moves the id or the retry time. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string | null;
  readonly id: string | null;
}

export class StreamTooLong extends Error {}

/**
 * Server-sent events from bytes in pieces of any size. The end of a stream ends no event: what was not closed by an
 * empty line is dropped. Throws StreamTooLong for an event of more than `maxEvent` characters.
 */
export class SseReader {
  readonly #maxEvent: number;
  readonly #emit: (event: ServerSentEvent) => void;
  readonly #decoder = new StringDecoder('utf8');
  /** The unfinished line, in pieces: joined only once it ends. */
  #line: string[] = [];
  #lineLength = 0;
  #data: string[] | null = null;
  #length = 0;
  #event = '';
  #id: string | null = null;
  #started = false;
  #afterReturn = false;
  /** Milliseconds the server asks to wait before coming back; null while it said nothing. */
  retry: number | null = null;
  /** The last id of an event that was whole. */
  lastId: string | null = null;

  constructor(maxEvent: number, emit: (event: ServerSentEvent) => void) {
    this.#maxEvent = maxEvent;
    this.#emit = emit;
  }

  push(chunk: Buffer): void {
    let text = this.#decoder.write(chunk);
    if (text === '') return;
    if (!this.#started) {
      this.#started = true;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    let start = 0;
    // a CR at the end of one piece and a LF at the start of the next are one line break
    if (this.#afterReturn && text.startsWith('\n')) start = 1;
    this.#afterReturn = false;
    // each kind of line break is looked for once, not once a line
    let feed = text.indexOf('\n', start);
    let back = text.indexOf('\r', start);
    while (feed !== -1 || back !== -1) {
      const end = feed === -1 || (back !== -1 && back < feed) ? back : feed;
      this.#endLine(text.slice(start, end));
      start = end + 1;
      if (end === back) {
        if (start === text.length) this.#afterReturn = true;
        else if (text[start] === '\n') start++;
        back = text.indexOf('\r', start);
      }
      if (feed !== -1 && feed < start) feed = text.indexOf('\n', start);
    }
    if (start < text.length) this.#keep(text.slice(start));
  }

  #keep(part: string): void {
    this.#lineLength += part.length;
    if (this.#length + this.#lineLength > this.#maxEvent) throw new StreamTooLong();
    this.#line.push(part);
  }

  #endLine(rest: string): void {
    let line = rest;
    if (this.#line.length > 0) {
      this.#line.push(rest);
      line = this.#line.join('');
      this.#line = [];
      this.#lineLength = 0;
    }
    if (line === '') this.#endEvent();
    else this.#field(line);
  }

  #field(line: string): void {
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (name === 'data') {
      this.#length += value.length + 1;
      if (this.#length > this.#maxEvent) throw new StreamTooLong();
      this.#data ??= [];
      this.#data.push(value);
    } else if (name === 'event') this.#event = value.slice(0, 100);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.retry = Number(value);
  }

  #endEvent(): void {
    const data = this.#data === null ? null : this.#data.join('\n');
    const event = { event: this.#event, data, id: this.#id };
    if (this.#id !== null) this.lastId = this.#id;
    const isEvent = data !== null || this.#id !== null;
    this.#data = null;
    this.#length = 0;
    this.#event = '';
    this.#id = null;
    if (isEvent) this.#emit(event);
  }
}
