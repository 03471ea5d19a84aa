import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { SignalboxError } from '../../domain/errors.ts';
import type { Json, JsonObject } from '../../domain/json.ts';

/** One request and its answer, as a route sees them. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The path without query, as sent. */
  readonly path: string;
  /** Made when first asked for. */
  readonly url: URL;
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the client goes away before the answer is out. */
  readonly signal: AbortSignal;
  /** The whole body. Throws REQUEST_TOO_LARGE, REQUEST_TOO_SLOW, REQUEST_MALFORMED (not UTF-8), REQUEST_UNSUPPORTED (compressed). */
  text(maxBytes?: number): Promise<string>;
  /** The body as JSON; REQUEST_UNSUPPORTED unless it says `application/json`, REQUEST_MALFORMED unless it is. */
  json(maxBytes?: number): Promise<Json>;
  /** Answers with JSON. */
  reply(status: number, body: JsonObject, headers?: Headers): void;
  /** Answers with JSON already serialised. */
  send(status: number, body: string, headers?: Headers): void;
  /** Answers with a page; the content security policy allows this listener's own files and no inline script. */
  html(status: number, body: string, headers?: Headers): void;
  /** Answers with any bytes: files of a page, redirects (empty body). */
  raw(status: number, type: string, body: string | Uint8Array, headers?: Headers): void;
}

type Headers = Readonly<Record<string, string | readonly string[]>>;

const NONE: Headers = {};

/** The part of the listener's options that an exchange needs. */
interface Bounds {
  readonly maxBodyBytes: number;
  readonly tls?: object | undefined;
  readonly overloaded?: (() => void) | undefined;
}

const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** Bytes of a body beyond its limit that are still read, and thrown away. */
const PATIENCE_BYTES = 1_048_576;

/** Who reads a body from this socket now: Node tells a slow client by its socket only. */
const READING = Symbol('reading');
type Read = Socket & { [READING]?: ((error: SignalboxError) => void) | null };

export class HttpExchange implements Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  params: Readonly<Record<string, string>> = {};
  readonly #bounds: Bounds;
  #url: URL | null = null;
  #abort: AbortController | null = null;

  constructor(request: IncomingMessage, response: ServerResponse, bounds: Bounds) {
    this.request = request;
    this.response = response;
    this.#bounds = bounds;
    const target = request.url ?? '/';
    const query = target.indexOf('?');
    this.path = query === -1 ? target : target.slice(0, query);
  }

  /** Ends the reading of a body on this socket with `error`; false when none is being read. */
  static interrupt(socket: Socket, error: SignalboxError): boolean {
    const stop = (socket as Read)[READING] ?? null;
    stop?.(error);
    return stop !== null;
  }

  get url(): URL {
    this.#url ??= parsedUrl(this.request);
    return this.#url;
  }

  get signal(): AbortSignal {
    if (this.#abort === null) {
      const abort = new AbortController();
      this.#abort = abort;
      const gone = (): void => {
        if (!this.response.writableFinished) abort.abort(new Error('the caller went away'));
      };
      if (this.response.closed) gone();
      else this.response.once('close', gone);
    }
    return this.#abort.signal;
  }

  async text(maxBytes = this.#bounds.maxBodyBytes): Promise<string> {
    const encoding = this.request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity')
      throw new SignalboxError('REQUEST_UNSUPPORTED', 'a compressed body, expected a plain one', {
        help: 'send the body without `content-encoding`',
      });
    const declared = Number(this.request.headers['content-length'] ?? 0);
    if (declared > maxBytes * 2 + PATIENCE_BYTES) throw tooLarge(maxBytes);
    const bytes = await readBody(this.request, maxBytes);
    if (!isUtf8(bytes)) throw new SignalboxError('REQUEST_MALFORMED', 'the body is not UTF-8');
    return bytes.toString();
  }

  async json(maxBytes?: number): Promise<Json> {
    requireJson(this.request);
    const text = await this.text(maxBytes);
    try {
      return JSON.parse(text) as Json;
    } catch {
      throw new SignalboxError('REQUEST_MALFORMED', 'the body is not JSON');
    }
  }

  reply(status: number, body: JsonObject, headers: Headers = NONE): void {
    this.#write(status, 'application/json', JSON.stringify(body), headers);
  }

  send(status: number, body: string, headers: Headers = NONE): void {
    this.#write(status, 'application/json', body, headers);
  }

  html(status: number, body: string, headers: Headers = NONE): void {
    this.#write(status, 'text/html; charset=utf-8', body, {
      'content-security-policy': PAGE_POLICY,
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      ...headers,
    });
  }

  raw(status: number, type: string, body: string | Uint8Array, headers: Headers = NONE): void {
    this.#write(status, type, body, headers);
  }

  /** The last answer: an error in the form every surface uses; cuts the connection when an answer has begun. */
  fail(error: SignalboxError): void {
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    if (error.status === 429) this.#bounds.overloaded?.();
    this.#write(error.status, 'application/json', errorBody(error), NONE);
  }

  #write(status: number, type: string, body: string | Uint8Array, headers: Headers): void {
    const { response } = this;
    if (response.destroyed || response.headersSent) return;
    // What was not read must not be read as the next request.
    if (!this.request.complete && hasBody(this.request)) response.setHeader('connection', 'close');
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    const always = securityHeaders(this.#bounds.tls !== undefined);
    if (headers === NONE)
      response.writeHead(status, [
        'content-type',
        type,
        'content-length',
        String(length),
        ...flat(always),
      ]);
    else
      response.writeHead(status, {
        'content-type': type,
        'content-length': length,
        ...always,
        ...(headers as Record<string, string | string[]>),
      });
    response.end(this.request.method === 'HEAD' ? undefined : body);
  }
}

const PLAIN = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};
const OVER_TLS = { ...PLAIN, 'strict-transport-security': 'max-age=31536000' };
const FLAT_PLAIN = Object.entries(PLAIN).flat();
const FLAT_OVER_TLS = Object.entries(OVER_TLS).flat();

/** The same as one list of names and values, which Node writes without looking for doubles. */
function flat(headers: Readonly<Record<string, string>>): readonly string[] {
  return headers === PLAIN ? FLAT_PLAIN : FLAT_OVER_TLS;
}

/** Sent with every answer, streams included. */
export function securityHeaders(tls: boolean): Readonly<Record<string, string>> {
  return tls ? OVER_TLS : PLAIN;
}

export function errorBody(error: SignalboxError): string {
  return JSON.stringify({ error: error.toJSON() });
}

/** Throws REQUEST_UNSUPPORTED unless the request says its body is JSON. */
export function requireJson(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? '';
  if (type !== 'application/json' && !/^application\/json\s*(;|$)/i.test(type))
    throw new SignalboxError('REQUEST_UNSUPPORTED', 'the body does not say that it is JSON');
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return (
    request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
  );
}

function parsedUrl(request: IncomingMessage): URL {
  // The host is only a base here; nothing decides by it.
  const url = URL.parse(request.url ?? '/', 'http://listener.invalid');
  if (url === null) throw new SignalboxError('REQUEST_MALFORMED', 'the path cannot be read');
  return url;
}

function tooLarge(maxBytes: number): SignalboxError {
  return new SignalboxError('REQUEST_TOO_LARGE', `the body is larger than ${maxBytes} bytes`);
}

/**
 * Reads the whole body. One that is too large is read on for a while and thrown away, so that its sender
 * gets to see the refusal instead of a reset connection.
 */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket: Read = request.socket;
    let first: Buffer | null = null;
    let chunks: Buffer[] | null = null;
    let length = 0;
    let settled = false;
    const settle = (error: SignalboxError | null): void => {
      if (settled) return;
      settled = true;
      socket[READING] = null;
      if (error !== null) reject(error);
      else resolve(chunks === null ? (first ?? EMPTY) : Buffer.concat(chunks));
    };
    socket[READING] = settle;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        if (length > maxBytes * 2 + PATIENCE_BYTES) settle(tooLarge(maxBytes));
      } else if (first === null) first = chunk;
      else {
        chunks ??= [first];
        chunks.push(chunk);
      }
    });
    request.on('end', () => settle(length > maxBytes ? tooLarge(maxBytes) : null));
    // `close` comes after every request, a whole one included; a faulty one closes too.
    request.on('close', () => {
      if (!settled) settle(new SignalboxError('REQUEST_MALFORMED', 'the body ended early'));
    });
    request.on('error', nothing);
  });
}

const EMPTY = Buffer.alloc(0);

export function nothing(): void {}
