import type { Timer } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { SseReader } from '../../protocols/mcp/sse.ts';
import { type Heard, readHeard } from '../../protocols/mcp/upstream-message.ts';
import { kindOfQuestion, mayBeAsked } from '../../protocols/mcp/upstream-request.ts';
import { type Deadlined, Standstill } from './deadlines.ts';
import type { HttpSession } from './http-session.ts';
import { type Headers, headerOf, type Leg, type LegOwner } from './leg.ts';
import { faultOfTransport, readRefusal } from './refusal.ts';
import { type Ask, type Reply, WireFault } from './wire.ts';

const MAX_REFUSAL = 64 * 1024;
/** All events of one answer together: progress and log lines may be many, not endless. */
const STREAM_FACTOR = 8;
const GRACE_MS = 1_000;
const RETRY_MS = 1_000;
const LEAST_RETRY_MS = 100;
const MAX_RETRY_MS = 60_000;
const MAX_QUESTIONS = 256;

/**
 * One request over HTTP and its answer, as JSON or as a stream of events:
 *   sent → answered
 *   sent → streaming → answered
 *   streaming → resuming → streaming      legacy only: the stream ended early and its events have ids
 *   any → lost                            connection, deadline, abort, an answer that is none
 * The first end counts. A stream that goes on after its answer is given a second, then its socket is closed.
 */
export class HttpCall implements LegOwner, Deadlined {
  deadline: number;
  place = -1;
  readonly #session: HttpSession;
  readonly #ask: Ask;
  readonly #id: number;
  readonly #done: (reply: Reply) => void;
  readonly #failed: (fault: WireFault) => void;
  #leg: Leg | null = null;
  #status = 0;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #length = 0;
  #reader: SseReader | null = null;
  #settled = false;
  /** Made for the first question. */
  #standstill: Standstill | null = null;
  #resuming: Timer | null = null;
  #resumed = false;
  #questions = 0;

  constructor(
    session: HttpSession,
    ask: Ask,
    id: number,
    done: (reply: Reply) => void,
    failed: (fault: WireFault) => void,
  ) {
    this.#session = session;
    this.#ask = ask;
    this.#id = id;
    this.#done = done;
    this.#failed = failed;
    this.deadline = session.parts.deadlines.after(ask.timeoutMs);
  }

  start(headers: string[], body: string): void {
    this.#session.parts.deadlines.add(this);
    this.#ask.signal?.addEventListener('abort', this);
    if (this.#ask.ear !== null) this.#ask.ear.onRefused = () => this.handleEvent();
    this.#leg = this.#session.parts.target.post(headers, body, this);
  }

  head(status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
    this.#session.noticed(headers);
    if (isSuccess(status) && headerOf(headers, 'content-type').startsWith('text/event-stream'))
      this.#reader = this.#readerAfter(this.#reader);
    else this.#reader = null;
  }

  data(chunk: Buffer): void {
    this.#length += chunk.length;
    const { maxBytes } = this.#ask;
    const limit = isSuccess(this.#status) ? maxBytes : MAX_REFUSAL;
    if (this.#reader === null) {
      if (this.#length > limit) this.#lose('CONNECTOR_REFUSED', tooLong(limit));
      else this.#chunks.push(chunk);
      return;
    }
    try {
      if (this.#length > limit * STREAM_FACTOR) throw new RangeError('the stream is too long');
      this.#reader.push(chunk);
    } catch {
      this.#lose('CONNECTOR_REFUSED', tooLong(limit));
    }
  }

  end(): void {
    if (this.#settled) this.#forget();
    else if (this.#reader !== null) this.#streamEnded();
    else this.#whole();
  }

  fail(error: Error): void {
    if (this.#settled) this.#forget();
    else if (this.#reader !== null) this.#streamEnded();
    else this.#settle(faultOfTransport(error, this.#session.parts.place, this.#sent()));
  }

  /** The caller is gone, or a halt came. */
  handleEvent(): void {
    const when = this.#sent() ? 'after' : 'before';
    this.#giveUp('CONNECTOR_ABORTED', `the call was aborted ${when} it was sent`);
  }

  expire(): void {
    if (this.#settled) {
      this.#leg?.abort();
      this.#forget();
      return;
    }
    if (this.#standstill?.holds === true) return;
    const { place } = this.#session.parts;
    this.#giveUp('CONNECTOR_TIMEOUT', `\`${place}\` gave no answer in ${this.#ask.timeoutMs} ms`);
  }

  /** All of an answer that is no stream. */
  #whole(): void {
    const encoding = headerOf(this.#headers, 'content-encoding');
    if (encoding !== '' && encoding !== 'identity') {
      this.#lose('CONNECTOR_REFUSED', 'it answered in an encoding that was not asked for');
      return;
    }
    const [first] = this.#chunks;
    const text =
      first !== undefined && this.#chunks.length === 1
        ? first.toString()
        : Buffer.concat(this.#chunks).toString();
    if (isSuccess(this.#status)) this.#message(text);
    else this.#refused(text);
  }

  #refused(text: string): void {
    const { place, redact } = this.#session.parts;
    const status = this.#status;
    if (this.#resumed) {
      this.#lose('CONNECTOR_UNREACHABLE', `its stream could not be resumed (${status})`);
      return;
    }
    if (status === 401 || status === 403)
      this.#session.challenged(status, headerOf(this.#headers, 'www-authenticate'));
    const inSession = this.#session.id !== null;
    this.#settle(readRefusal({ place, id: this.#id, status, text, redact, inSession }));
  }

  #message(text: string): void {
    if (this.#settled) return;
    let heard: Heard;
    try {
      heard = readHeard(text);
    } catch {
      this.#lose('CONNECTOR_REFUSED', 'it answered with what is no message of MCP');
      return;
    }
    if (heard.kind === 'notification') this.#notified(heard.method, heard.params);
    else if (heard.kind === 'request') this.#question(heard.id, heard.method, heard.params);
    else if (heard.id !== this.#id && (heard.kind === 'result' || heard.id !== null))
      this.#lose('CONNECTOR_REFUSED', 'it answered another request than the one that was sent');
    else this.#settle(heard.kind === 'result' ? { result: heard.result } : { error: heard.error });
  }

  #notified(method: string, params: JsonObject): void {
    if (method === 'notifications/progress' || method === 'notifications/message')
      this.#ask.ear?.hear(method, params);
    else this.#session.unasked(method, params);
  }

  #question(id: string | number, method: string, params: JsonObject): void {
    if (++this.#questions > MAX_QUESTIONS) {
      this.#lose('CONNECTOR_REFUSED', `it asked more than ${MAX_QUESTIONS} questions`);
      return;
    }
    this.#standstill ??= new Standstill(this.#session.parts.deadlines);
    const standstill = this.#standstill;
    standstill.asked();
    const { ear, lacking } = this.#ask;
    const kind = kindOfQuestion(method);
    if (kind !== null && !mayBeAsked(ear?.capabilities ?? {}, method)) lacking?.push(kind);
    void this.#session.asked(id, method, params, ear).finally(() => {
      this.deadline += standstill.answered();
    });
  }

  /** A stream that is resumed goes on with the ids and the patience of the one before. */
  #readerAfter(before: SseReader | null): SseReader {
    const reader = new SseReader(this.#ask.maxBytes, ({ data }) => {
      if (data !== null && data !== '') this.#message(data);
    });
    reader.lastId = before?.lastId ?? null;
    reader.retry = before?.retry ?? null;
    return reader;
  }

  #streamEnded(): void {
    const last = this.#reader?.lastId ?? null;
    if (this.#session.era === 'modern' || last === null) {
      this.#lose('CONNECTOR_UNREACHABLE', 'the stream ended before the answer');
      return;
    }
    const { timers, target } = this.#session.parts;
    const wait = Math.max(Math.min(this.#reader?.retry ?? RETRY_MS, MAX_RETRY_MS), LEAST_RETRY_MS);
    this.#resuming = timers.after(wait, () => {
      if (this.#settled) return;
      this.#resumed = true;
      this.#leg = target.open('GET', this.#session.resumeHeaders(last), null, this);
    });
  }

  /** Whether the server may have acted on it. */
  #sent(): boolean {
    return this.#resumed || (this.#leg?.sent ?? false);
  }

  #lose(code: WireFault['code'], why: string): void {
    this.#leg?.abort();
    this.#settle(new WireFault(code, `\`${this.#session.parts.place}\`: ${why}`, true));
  }

  /** Closing the stream cancels on modern servers; older ones have to be told. */
  #giveUp(code: WireFault['code'], words: string): void {
    if (this.#settled) return;
    const sent = this.#sent();
    this.#leg?.abort();
    if (sent) this.#session.cancelled(this.#id);
    this.#settle(new WireFault(code, words, sent));
  }

  #settle(end: Reply | WireFault): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resuming?.cancel();
    this.#ask.signal?.removeEventListener('abort', this);
    const lost = end instanceof WireFault;
    if (this.#reader === null || lost) this.#forget();
    else this.deadline = this.#session.parts.deadlines.now() + GRACE_MS;
    if (lost) this.#failed(end);
    else this.#done(end);
  }

  #forget(): void {
    this.#session.parts.deadlines.remove(this);
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function tooLong(limit: number): string {
  return `it answered with more than ${limit} bytes`;
}
