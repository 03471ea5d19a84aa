/**
 * One client on lines, one listener over HTTP. What passes is not understood but for what the carriage needs:
 *
 *   modern    every message is complete in itself; its headers are made from it; a cancellation is a closed stream
 *   legacy    `initialize` opens a session (its id and version go with everything after it), `notifications/initialized`
 *             opens the stream for what the server says by itself; a session that is lost is opened again, once a call
 *
 * Requests run side by side; notifications and answers go one after the other, in the order they came.
 */
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type Ended, type Heard, hear, isAbort, Refused } from './exchange.ts';
import { errorOf, malformed, tooLong, wordsOf } from './faults.ts';
import { type Flight, Flights } from './flights.ts';
import { HeaderBook } from './header-book.ts';
import { keyOf, mirrorHeaders, readSpoken, type Spoken } from './spoken.ts';
import type { Wire } from './wire.ts';

const MISMATCH = -32020;
const RESUMES = 5;
const LAST_WORDS_MS = 1_500;
const FAREWELL_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A notification that is not taken by then is given up. */
const NOTICE_MS = 30_000;
/** What the client's human has to mend; the rest is between the client and the server. */
const WORTH_SAYING = new Set([401, 403, 421, 429, 500, 502, 503]);
/** Answers of a listener that is busy, or not quite there. */
const WORTH_WAITING = new Set([429, 500, 502, 503, 504]);

export interface RelayOptions {
  readonly wire: Wire;
  /** One line to the client, without its end. Resolves when it can take more. */
  readonly write: (line: string) => Promise<void>;
  /** For the human who looks at stderr. */
  readonly say: (text: string) => void;
  /** Resolves after that long, or at once when the signal is given. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

interface Session {
  readonly id: string | null;
  readonly version: string;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #flights = new Flights();
  readonly #headers: HeaderBook;
  readonly #over = new AbortController();
  #session: Session | null = null;
  /** The client's own `initialize`, said again when the session is lost. */
  #opening: Spoken | null = null;
  #reopening: Promise<void> | null = null;
  #listening = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#headers = new HeaderBook((spoken) => this.#quietly(spoken));
  }

  /** Resolves when the next line may be read. Never rejects. */
  async take(line: Uint8Array): Promise<void> {
    let spoken: Spoken;
    try {
      spoken = readSpoken(line);
    } catch (error) {
      const message = error instanceof SyntaxError ? error.message : 'not a message';
      return this.#refuse('null', malformed(-32700, message));
    }
    if (spoken.asked.length === 0) return this.#tell(spoken);
    const flight = await this.#flights.open(spoken.asked, spoken.text.length);
    if (flight === null)
      return this.#refuse(
        spoken.asked[0] ?? 'null',
        malformed(-32600, 'a request with this id is under way'),
      );
    const done = this.#ask(spoken, flight).finally(() => this.#flights.close(flight));
    // nothing else may overtake what opens the session
    if (spoken.method === 'initialize') await done;
  }

  /** A line was too long to be read: who waits for its answer is told, where that can be known. */
  async dropped(key: string | null, limit: number): Promise<void> {
    if (key !== null && this.#flights.of(key) === null) await this.#refuse(key, tooLong(limit));
  }

  /** Lets what is under way end for a moment, then closes everything. */
  async end(): Promise<void> {
    this.#over.abort();
    const landed = new AbortController();
    void this.#flights.landed().then(() => landed.abort());
    await this.#options.pause(LAST_WORDS_MS, landed.signal);
    this.#flights.abortAll();
    const session = this.#session;
    if (session?.id == null) return;
    const farewell = AbortSignal.timeout(FAREWELL_MS);
    await this.#options.wire.bye(sessionHeaders(session), farewell).catch(() => {});
  }

  /** A notification or an answer: nothing comes back. */
  async #tell(spoken: Spoken): Promise<void> {
    const { method, params } = spoken;
    if (method === 'notifications/cancelled') {
      const flight = this.#flights.of(keyOf(params.requestId ?? null));
      flight?.cancel();
      // where every message stands alone, closing its stream has said it
      if (flight === null || flight.modern) return;
    }
    if (this.#session === null && spoken.modern !== null) return;
    try {
      await this.#post(spoken, null);
      if (method === 'notifications/initialized') void this.#listen();
    } catch (fault) {
      if (!isAbort(fault)) this.#options.say(`${method ?? 'an answer'}: ${wordsOf(fault)}`);
    }
  }

  async #ask(spoken: Spoken, flight: Flight): Promise<void> {
    flight.modern = spoken.modern !== null;
    await this.#flights.turn(flight);
    if (flight.cancelled) return;
    try {
      await this.#carried(spoken, flight);
      if (flight.open.size > 0 && !flight.cancelled)
        throw new SignalboxError('UNREACHABLE', 'the stream ended before the answer came');
    } catch (fault) {
      if (flight.cancelled) return;
      const error = errorOf(fault, spoken.method);
      if (!(fault instanceof Refused) || WORTH_SAYING.has(fault.status))
        this.#options.say(`${spoken.method ?? 'batch'}: ${wordsOf(fault)}`);
      for (const key of flight.open) await this.#refuse(key, error);
    }
  }

  async #carried(spoken: Spoken, flight: Flight): Promise<void> {
    if (spoken.method === 'initialize') this.#opening = spoken;
    let mended = false;
    for (;;) {
      try {
        return await this.#post(spoken, flight);
      } catch (fault) {
        if (mended || flight.cancelled || !(fault instanceof Refused)) throw fault;
        mended = true;
        if (!(await this.#mend(fault, spoken))) throw fault;
      }
    }
  }

  /** What can be set right without the client: headers of a tool not yet listed, and a session that is gone. */
  async #mend({ status, error }: Refused, spoken: Spoken): Promise<boolean> {
    if (error.code === MISMATCH && spoken.method === 'tools/call' && spoken.modern !== null)
      return this.#headers.learn(spoken);
    if (status !== 404 || spoken.modern !== null || spoken.method === 'initialize') return false;
    return this.#renew();
  }

  /** Opens the session anew, once for all who found it gone. False when there was none. */
  async #renew(): Promise<boolean> {
    if (this.#session?.id == null || this.#opening === null) return false;
    this.#reopening ??= this.#reopen(this.#opening).finally(() => {
      this.#reopening = null;
    });
    await this.#reopening;
    return true;
  }

  async #reopen(opening: Spoken): Promise<void> {
    await this.#quietly(opening);
    const text = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
    await this.#post({ ...opening, text, asked: [], method: 'notifications/initialized' }, null);
    void this.#listen();
  }

  /** A request of our own making: its answer is not the client's. */
  async #quietly(spoken: Spoken): Promise<JsonObject> {
    let answer: JsonObject = {};
    const response = await this.#send(spoken, this.#over.signal);
    await hear(response, {
      message: async (_, value) => {
        if (isJsonObject(value) && isJsonObject(value.result)) answer = value.result;
      },
    });
    this.#note(spoken, response, answer);
    return answer;
  }

  async #post(spoken: Spoken, flight: Flight | null): Promise<void> {
    const signal =
      flight?.signal ?? AbortSignal.any([this.#over.signal, AbortSignal.timeout(NOTICE_MS)]);
    const response = await this.#send(spoken, signal);
    const message = (text: string, value: Json): Promise<void> =>
      this.#pass(text, value, { spoken, flight, response });
    let ended = await hear(response, { message });
    for (let resume = 0; this.#isCut(flight, ended) && resume < RESUMES; resume++) {
      await this.#pause(ended.retryMs ?? 1_000, signal);
      ended = await this.#takenUp(ended, signal, { message });
    }
  }

  /** The rest of a stream that broke. A listener that is not back yet is asked again. */
  async #takenUp(ended: Ended, signal: AbortSignal, heard: Heard): Promise<Ended> {
    let response: Response;
    try {
      response = await this.#options.wire.listen(this.#listenHeaders(ended.lastId), signal);
    } catch (fault) {
      if (isAbort(fault)) throw fault;
      return ended;
    }
    return hear(response, heard);
  }

  /** Ended early, at a place where it can be taken up again: the older revisions only. */
  #isCut(flight: Flight | null, { lastId }: Ended): boolean {
    return flight !== null && !flight.modern && flight.open.size > 0 && lastId !== null;
  }

  #send(spoken: Spoken, signal: AbortSignal): Promise<Response> {
    const { modern, method } = spoken;
    if (modern !== null) {
      const mirrored = method === 'tools/call' ? this.#headers.of(spoken.params.name) : [];
      return this.#options.wire.post(mirrorHeaders(spoken, modern, mirrored), spoken.text, signal);
    }
    const session = method === 'initialize' ? null : this.#session;
    return this.#options.wire.post(sessionHeaders(session), spoken.text, signal);
  }

  async #pass(
    text: string,
    value: Json,
    { spoken, flight, response }: { spoken: Spoken; flight: Flight | null; response: Response },
  ): Promise<void> {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (!isJsonObject(one) || one.id === undefined || one.method !== undefined) continue;
      flight?.open.delete(keyOf(one.id));
      if (isJsonObject(one.result)) this.#note(spoken, response, one.result);
    }
    await this.#options.write(text);
  }

  /** What an answer says about the carriage itself. */
  #note({ method, modern }: Spoken, response: Response, result: JsonObject): void {
    if (method === 'tools/list' && modern !== null) this.#headers.note(result);
    if (method !== 'initialize' || typeof result.protocolVersion !== 'string') return;
    const id = response.headers.get('mcp-session-id');
    this.#session = { id, version: result.protocolVersion };
  }

  /** What the server says by itself, for as long as there is a session and the listener has such a stream. */
  async #listen(): Promise<void> {
    if (this.#listening) return;
    this.#listening = true;
    let lastId: string | null = null;
    let failed = 0;
    while (!this.#over.signal.aborted && this.#session !== null) {
      const session: Session = this.#session;
      try {
        const headers = this.#listenHeaders(lastId);
        const response = await this.#options.wire.listen(headers, this.#over.signal);
        const ended = await hear(response, { message: (text) => this.#options.write(text) });
        lastId = ended.lastId ?? lastId;
        failed = 0;
        await this.#pause(ended.retryMs ?? 1_000, this.#over.signal);
      } catch (fault) {
        if (isAbort(fault) || !(await this.#standsAgain(fault, session))) break;
        await this.#pause(250 * 2 ** Math.min(failed, 7), this.#over.signal);
        failed++;
      }
      if (this.#session !== session) lastId = null;
    }
    this.#listening = false;
  }

  /** Whether there may be a stream after this: the listener was away or busy, or the session is another one by now. */
  async #standsAgain(fault: unknown, session: Session): Promise<boolean> {
    if (!(fault instanceof Refused) || WORTH_WAITING.has(fault.status)) return true;
    if (fault.status !== 404) return false;
    if (this.#session !== session) return true;
    try {
      return await this.#renew();
    } catch (again) {
      return !(again instanceof Refused) || WORTH_WAITING.has(again.status);
    }
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return this.#options.pause(Math.min(ms, LONGEST_PAUSE_MS), signal);
  }

  #listenHeaders(lastId: string | null): Record<string, string> {
    return {
      ...sessionHeaders(this.#session),
      ...(lastId === null ? {} : { 'last-event-id': lastId }),
    };
  }

  #refuse(key: string, error: JsonObject): Promise<void> {
    return this.#options.write(`{"jsonrpc":"2.0","id":${key},"error":${JSON.stringify(error)}}`);
  }
}

function sessionHeaders(session: Session | null): Record<string, string> {
  if (session === null) return {};
  const { id, version } = session;
  return { 'mcp-protocol-version': version, ...(id === null ? {} : { 'mcp-session-id': id }) };
}
