import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { SseReader } from '../../protocols/mcp/sse.ts';
import { type Heard, readHeard } from '../../protocols/mcp/upstream-message.ts';
import type { Deadlined } from './deadlines.ts';
import type { HttpSession } from './http-session.ts';
import { type Headers, headerOf, type Leg, type LegOwner } from './leg.ts';
import { type Ask, type Reply, WireFault } from './wire.ts';

const MAX_REFUSAL = 64 * 1024;
const MAX_SAID = 300;
/** All events of one answer together: progress and log lines may be many, not endless. */
const STREAM_FACTOR = 8;
const GRACE_MS = 1_000;
const RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** How long a deadline may stand still because the caller is being asked. */
const MAX_ASKED_MS = 15 * 60_000;

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
  #askedSince = 0;
  #questions = 0;
  #resuming: { cancel(): void } | null = null;
  #resumed = false;

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
    this.deadline =
      ask.timeoutMs === null
        ? Number.POSITIVE_INFINITY
        : session.parts.deadlines.now() + ask.timeoutMs;
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
    if (this.#isStream()) {
      const last = this.#reader?.lastId ?? null;
      const retry = this.#reader?.retry ?? null;
      this.#reader = new SseReader(this.#ask.maxBytes, (event) => {
        if (event.data !== null && event.data !== '') this.#message(event.data);
      });
      this.#reader.lastId = last;
      this.#reader.retry = retry;
    } else this.#reader = null;
  }

  data(chunk: Buffer): void {
    this.#length += chunk.length;
    const limit = this.#status >= 300 ? MAX_REFUSAL : this.#ask.maxBytes;
    if (this.#reader === null) {
      if (this.#length > limit) this.#tooLong(limit);
      else this.#chunks.push(chunk);
      return;
    }
    if (this.#length > limit * STREAM_FACTOR) return this.#tooLong(limit * STREAM_FACTOR);
    try {
      this.#reader.push(chunk);
    } catch {
      this.#tooLong(limit);
    }
  }

  end(): void {
    if (this.#settled) return this.#forget();
    if (this.#reader !== null) return this.#streamEnded('the stream ended before the answer');
    const encoding = headerOf(this.#headers, 'content-encoding');
    if (encoding !== '' && encoding !== 'identity')
      return this.#lose('CONNECTOR_REFUSED', 'it answered in an encoding that was not asked for');
    const text =
      this.#chunks.length === 1
        ? (this.#chunks[0] as Buffer).toString()
        : Buffer.concat(this.#chunks).toString();
    if (this.#status >= 200 && this.#status < 300) this.#message(text);
    else this.#refusal(text);
  }

  fail(error: Error): void {
    if (this.#settled) return this.#forget();
    const sent = this.#sent();
    if (error instanceof SignalboxError) return this.#settle(null, faultOfEgress(error, sent));
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    if (this.#reader !== null) return this.#streamEnded(`the stream broke off (${code})`);
    const { place } = this.#session.parts;
    const words = sent
      ? `the connection to \`${place}\` was lost before an answer came (${code})`
      : `\`${place}\` cannot be reached (${code})`;
    this.#settle(null, new WireFault('CONNECTOR_UNREACHABLE', words, sent, { kind: 'connection' }));
  }

  /** The caller is gone, or a halt came. */
  handleEvent(): void {
    if (this.#settled) return;
    const sent = this.#sent();
    const words = `the call was aborted ${sent ? 'after' : 'before'} it was sent`;
    this.#giveUp(new WireFault('CONNECTOR_ABORTED', words, sent));
  }

  expire(): void {
    if (this.#settled) {
      this.#leg?.abort();
      return this.#forget();
    }
    const { place, deadlines } = this.#session.parts;
    if (this.#questions > 0 && deadlines.now() - this.#askedSince < MAX_ASKED_MS) return;
    const words = `\`${place}\` gave no answer in ${this.#ask.timeoutMs} ms`;
    this.#giveUp(new WireFault('CONNECTOR_TIMEOUT', words, this.#sent()));
  }

  #message(text: string): void {
    if (this.#settled) return;
    let heard: Heard;
    try {
      heard = readHeard(text);
    } catch {
      return this.#lose('CONNECTOR_REFUSED', 'it answered with what is no message of MCP');
    }
    switch (heard.kind) {
      case 'notification':
        if (!this.#belongs(heard.method)) this.#session.unasked(heard.method, heard.params);
        else this.#ask.ear?.hear(heard.method, heard.params);
        return;
      case 'request':
        return this.#question(heard.id, heard.method, heard.params);
      case 'result':
        if (heard.id !== this.#id) return this.#lose('CONNECTOR_REFUSED', ANOTHER);
        return this.#settle({ result: heard.result }, null);
      case 'error':
        if (heard.id !== this.#id && heard.id !== null)
          return this.#lose('CONNECTOR_REFUSED', ANOTHER);
        return this.#settle({ error: heard.error }, null);
    }
  }

  /** Whether the server may have acted on it. */
  #sent(): boolean {
    return this.#resumed || (this.#leg?.sent ?? false);
  }

  #belongs(method: string): boolean {
    return method === 'notifications/progress' || method === 'notifications/message';
  }

  #question(id: string | number, method: string, params: JsonObject): void {
    const { deadlines } = this.#session.parts;
    if (this.#questions++ === 0) this.#askedSince = deadlines.now();
    void this.#session.asked(id, method, params, this.#ask.ear).finally(() => {
      if (--this.#questions === 0) this.deadline += deadlines.now() - this.#askedSince;
    });
  }

  /** An answer with a status that is no success: the protocol's own error, or only a status. */
  #refusal(text: string): void {
    const { place } = this.#session.parts;
    const status = this.#status;
    if (this.#resumed)
      return this.#lose('CONNECTOR_UNREACHABLE', `its stream could not be resumed (${status})`);
    if (status === 401 || status === 403) {
      this.#session.challenged(status, headerOf(this.#headers, 'www-authenticate'));
      const words = `\`${place}\` did not take the credential (${status})`;
      return this.#settle(null, new WireFault('CREDENTIAL_REFUSED', words, false, { status }));
    }
    if (status === 404 && this.#session.id !== null)
      return this.#settle(
        null,
        new WireFault('CONNECTOR_REFUSED', `\`${place}\` ended its session`, false, {
          status,
          kind: 'session',
        }),
      );
    const heard = errorIn(text);
    if (heard !== null && (heard.id === null || heard.id === this.#id) && status < 500)
      return this.#settle({ error: heard.error }, null);
    const said = this.#session.parts.redact(text).replaceAll(/\s+/g, ' ').trim();
    const what =
      status >= 300 && status < 400
        ? 'a redirect, which is not followed'
        : said.slice(0, MAX_SAID).toWellFormed();
    const words = `\`${place}\` answered ${status}${what === '' ? '' : `: ${what}`}`;
    const sent = !surelyRefused(status);
    this.#settle(null, new WireFault('CONNECTOR_REFUSED', words, sent, { status }));
  }

  #streamEnded(why: string): void {
    const last = this.#reader?.lastId ?? null;
    if (this.#session.era === 'modern' || last === null || this.#status !== 200)
      return this.#lose('CONNECTOR_UNREACHABLE', why);
    const { timers, target } = this.#session.parts;
    const wait = Math.min(this.#reader?.retry ?? RETRY_MS, MAX_RETRY_MS);
    this.#resuming = timers.after(wait, () => {
      if (this.#settled) return;
      this.#resumed = true;
      this.#leg = target.open('GET', this.#session.resumeHeaders(last), null, this);
    });
  }

  #tooLong(limit: number): void {
    this.#lose('CONNECTOR_REFUSED', `it answered with more than ${limit} bytes`);
  }

  #lose(code: WireFault['code'], why: string): void {
    this.#leg?.abort();
    this.#settle(null, new WireFault(code, `\`${this.#session.parts.place}\`: ${why}`, true));
  }

  /** Closing the stream cancels on modern servers; older ones have to be told. */
  #giveUp(fault: WireFault): void {
    this.#leg?.abort();
    if (fault.sent) this.#session.cancelled(this.#id);
    this.#settle(null, fault);
  }

  #settle(reply: Reply | null, fault: WireFault | null): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resuming?.cancel();
    this.#ask.signal?.removeEventListener('abort', this);
    if (this.#reader === null || fault !== null) this.#forget();
    else this.deadline = this.#session.parts.deadlines.now() + GRACE_MS;
    if (reply !== null) this.#done(reply);
    else if (fault !== null) this.#failed(fault);
  }

  #forget(): void {
    this.#session.parts.deadlines.remove(this);
  }

  #isStream(): boolean {
    return (
      this.#status >= 200 &&
      this.#status < 300 &&
      headerOf(this.#headers, 'content-type').startsWith('text/event-stream')
    );
  }
}

const ANOTHER = 'it answered another request than the one that was sent';

function errorIn(text: string): Extract<Heard, { kind: 'error' }> | null {
  try {
    const heard = readHeard(text);
    return heard.kind === 'error' ? heard : null;
  } catch {
    return null;
  }
}

/** Refused before it left: by the egress, or because no name or address could be reached. */
function faultOfEgress({ code, message }: SignalboxError, sent: boolean): WireFault {
  const kind = code === 'CONNECTOR_UNREACHABLE' ? 'connection' : 'other';
  return new WireFault(code, message, sent, { kind });
}

/** 408: the server or a proxy stopped waiting, perhaps after acting. 307 and 308 ask to be sent again, elsewhere. */
function surelyRefused(status: number): boolean {
  if (status === 408 || status === 499) return false;
  return (status >= 400 && status < 500) || status === 307 || status === 308 || status === 501;
}
