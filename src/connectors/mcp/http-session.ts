import type { Redact } from '../../boundary/redact.ts';
import type { Timers } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Roster } from '../../domain/roster.ts';
import { encodeHeader } from '../../protocols/mcp/mirror.ts';
import {
  type ClientIdentity,
  notificationText,
  requestText,
} from '../../protocols/mcp/upstream-request.ts';
import { MODERN_VERSION } from '../../protocols/mcp/versions.ts';
import { answerTo } from './answer-to.ts';
import type { Deadlines } from './deadlines.ts';
import { Errand } from './errand.ts';
import { HttpCall } from './http-call.ts';
import type { HttpTarget } from './http-target.ts';
import { type Headers, headerOf } from './leg.ts';
import { RequestMeta } from './request-meta.ts';
import {
  type Ask,
  type Ear,
  NOT_OPEN,
  type Reply,
  type ServerSelf,
  type Session,
  type Unasked,
  WireFault,
} from './wire.ts';

/** What the sessions of one server and one credential share. */
export interface HttpParts {
  /** Name of the connection, for words. */
  readonly place: string;
  readonly target: HttpTarget;
  readonly deadlines: Deadlines;
  readonly timers: Timers;
  readonly redact: Redact;
  /** Name and value of the header with the credential; empty for none. */
  readonly auth: readonly string[];
  readonly client: ClientIdentity;
  challenged(status: 401 | 403, header: string): void;
  readonly unasked: Unasked;
}

/** Questions on its own stream that are being answered; more of them are not. */
const MAX_ANSWERING = 64;
const SESSION_ID = /^[\x21-\x7e]{1,512}$/;
/** The header that names the version came with this revision. */
const NAMED_SINCE = '2025-06-18';

/** Requests to one server over Streamable HTTP: each on its own on modern servers, in a session on older ones. */
export class HttpSession implements Session {
  readonly era: Session['era'];
  readonly parts: HttpParts;
  server: ServerSelf = NOT_OPEN;
  /** What an older server named our session; null for none. */
  id: string | null = null;
  over = false;
  #version: string | null;
  #headers: readonly string[];
  #next = 1;
  #naming = false;
  #answering = 0;
  /** Of an older server, in the order they were sent. */
  readonly #calls = new Roster<number, Ear>();
  readonly #meta: RequestMeta;

  /** `version` null: not negotiated yet. */
  constructor(parts: HttpParts, era: Session['era'], version: string | null) {
    this.parts = parts;
    this.#meta = new RequestMeta(parts.client);
    this.era = era;
    this.#version = version;
    this.#headers = this.#baseHeaders();
  }

  request(ask: Ask): Promise<Reply> {
    if (ask.signal?.aborted === true)
      return Promise.reject(
        new WireFault('CONNECTOR_ABORTED', 'the call was aborted before it was sent', false),
      );
    const id = this.#next++;
    const text = requestText(id, ask.method, ask.members, this.#meta.of(this.era, id, ask.ear));
    const reply = new Promise<Reply>((done, failed) => {
      new HttpCall(this, ask, id, done, failed).start(this.#headersFor(ask), text);
    });
    return this.era === 'legacy' && ask.ear !== null ? this.#known(id, ask.ear, reply) : reply;
  }

  /**
   * What an older server says on its own stream may belong to a call all the same. Progress names it; the rest is taken
   * for the newest one's: sessions with callers that can be asked are not shared between runs (peer.ts).
   */
  heard(method: string, params: JsonObject): void {
    if (method === 'notifications/progress') {
      const token = params.progressToken;
      if (typeof token === 'number') this.#calls.get(token)?.hear(method, params);
    } else if (method === 'notifications/message') this.#newest()?.hear(method, params);
    else this.unasked(method, params);
  }

  /** A question on its own stream. */
  async askedOnStream(id: string | number, method: string, params: JsonObject): Promise<void> {
    // a flood of them is not worth a request each
    if (this.#answering >= MAX_ANSWERING) return;
    this.#answering++;
    try {
      await this.asked(id, method, params, this.#newest());
    } finally {
      this.#answering--;
    }
  }

  #newest(): Ear | null {
    return this.#calls.values().at(-1) ?? null;
  }

  async #known(id: number, ear: Ear, reply: Promise<Reply>): Promise<Reply> {
    this.#calls.set(id, ear);
    try {
      return await reply;
    } finally {
      this.#calls.delete(id);
    }
  }

  /** The id in the answer to `initialize` is the session's; a later one is not listened to. */
  noticed(headers: Headers): void {
    if (!this.#naming || this.id !== null) return;
    const id = headerOf(headers, 'mcp-session-id');
    if (!SESSION_ID.test(id)) return;
    this.id = id;
    this.#headers = this.#baseHeaders();
  }

  /** Between these two the server may name the session. */
  naming(): void {
    this.#naming = true;
  }

  negotiated(version: string, server: ServerSelf): void {
    this.#naming = false;
    this.#version = version;
    this.server = server;
    this.#headers = this.#baseHeaders();
  }

  notify(method: string, members: string): Promise<void> {
    return this.#errand(notificationText(method, members), method);
  }

  /** Answers what a server asked in the course of a call. */
  async asked(
    id: string | number,
    method: string,
    params: JsonObject,
    ear: Ear | null,
  ): Promise<void> {
    await this.#errand(await answerTo(id, method, params, this.era === 'legacy' ? ear : null), '');
  }

  cancelled(id: number): void {
    if (this.era === 'legacy')
      void this.notify(
        'notifications/cancelled',
        `"requestId":${id},"reason":"the caller is gone"`,
      );
  }

  challenged(status: 401 | 403, header: string): void {
    this.parts.challenged(status, header);
  }

  unasked(method: string, params: JsonObject): void {
    this.parts.unasked(method, params);
  }

  resumeHeaders(lastId: string | null): string[] {
    const from = lastId === null ? [] : ['last-event-id', lastId];
    return [...this.#headers.filter((_, i, all) => !isContentType(all, i)), ...from];
  }

  streamHeaders(method: string): string[] {
    return [...this.#headers, 'mcp-method', method];
  }

  /** A request with an id of its own, for a stream that stays open. */
  text(method: string, members: string): string {
    const id = this.#next++;
    return requestText(id, method, members, this.#meta.of(this.era, id, null));
  }

  async close(): Promise<void> {
    if (this.over) return;
    this.over = true;
    if (this.id === null) return;
    const errand = new Errand(this.parts.deadlines);
    errand.leg = this.parts.target.remove(this.resumeHeaders(null), errand);
    await errand.done;
  }

  #errand(text: string, method: string): Promise<void> {
    const errand = new Errand(this.parts.deadlines);
    const headers =
      this.era === 'modern' && method !== ''
        ? [...this.#headers, 'mcp-method', method]
        : [...this.#headers];
    errand.leg = this.parts.target.post(headers, text, errand);
    return errand.done;
  }

  #headersFor(ask: Ask): string[] {
    if (this.era === 'legacy') return this.#headers as string[];
    const { method, name, paramHeaders } = ask;
    const headers =
      name === null
        ? [...this.#headers, 'mcp-method', method]
        : [...this.#headers, 'mcp-method', method, 'mcp-name', encodeHeader(name)];
    if (paramHeaders !== null)
      for (const [header, value] of Object.entries(paramHeaders)) headers.push(header, value);
    return headers;
  }

  #baseHeaders(): string[] {
    const version = this.era === 'modern' ? MODERN_VERSION : this.#version;
    return [
      'content-type',
      'application/json',
      'accept',
      'application/json, text/event-stream',
      'accept-encoding',
      'identity',
      'user-agent',
      'signalbox',
      ...this.parts.auth,
      ...(version !== null && version >= NAMED_SINCE ? ['mcp-protocol-version', version] : []),
      ...(this.id === null ? [] : ['mcp-session-id', this.id]),
    ];
  }
}

function isContentType(headers: readonly string[], index: number): boolean {
  return headers[index - (index % 2)] === 'content-type';
}
