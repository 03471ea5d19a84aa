import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Doors } from '../../domain/doors.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import { Addresses, isLoopback } from './addresses.ts';
import { errorBody, HttpExchange, nothing } from './exchange.ts';
import { type Route, Router } from './router.ts';

export type { Exchange } from './exchange.ts';
export type { Route } from './router.ts';

export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** PEM texts. Required when `host` is not loopback. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** More names by which this listener is called (`signalbox.example` or `signalbox.example:8443`). */
  readonly extraHosts?: readonly string[] | undefined;
  readonly routes: readonly Route[];
  /** `same`: pages of this very listener may call it. `none`: nothing that names a web origin may. */
  readonly origins: 'none' | 'same';
  readonly maxBodyBytes: number;
  readonly doors: Doors;
  /** One line about a fault that was stopped here. Never holds a body or a header. */
  readonly log: (line: string) => void;
  /** Takes out of an error what must not leave. */
  readonly withhold?: ((text: string) => string) | undefined;
  /** Requests handled at once, held ones included; more are refused with OVERLOADED. Default 1024. */
  readonly maxConcurrent?: number | undefined;
  /** Called for every request that is refused for want of room, here or by a route that throws so. */
  readonly overloaded?: (() => void) | undefined;
  /** Milliseconds in which a client must send its headers, then its whole request. Default 10 s and 30 s. */
  readonly slow?: { readonly headersMs: number; readonly requestMs: number } | undefined;
}

export interface Listener {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Takes no new request, gives the running ones `graceMs` (default 2000), then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Opens a listener. Throws SignalboxError CONFIG_INVALID for a reachable address without TLS. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  if (!isLoopback(options.host) && options.tls === undefined)
    throw new SignalboxError(
      'CONFIG_INVALID',
      `\`${options.host}\` can be reached from other machines, expected a certificate and key for TLS`,
      { help: 'give a TLS certificate and key, or listen on 127.0.0.1' },
    );
  const door = new Door(options);
  const server = createServer(options, (request, response) => door.take(request, response));
  server.on('clientError', (fault: Error & { code?: string }, socket) =>
    door.refuseUnread(fault, socket as Socket),
  );
  server.on('checkExpectation', (request, response) =>
    door.take(request, response, new SignalboxError('EXPECTATION_REFUSED', EXPECTED)),
  );
  server.on('connect', (_, socket) =>
    refuseOn(socket, new SignalboxError('METHOD_REFUSED', TUNNEL)),
  );
  await opened(server, options);
  const { port } = server.address() as AddressInfo;
  door.addresses = new Addresses(options, port);
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    port,
    close: (graceMs = 2000) => closed(server, options, graceMs),
  };
}

const EXPECTED = 'an `expect` that is not known here, expected `100-continue` or none';
const TUNNEL = '`CONNECT` asks for a tunnel, expected a request for a path of this listener';

/** What stands between the wire and a route: address, origin and load checks, and the last catch. */
class Door {
  addresses: Addresses | null = null;
  readonly #options: ListenerOptions;
  readonly #router: Router;
  readonly #max: number;
  #running = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#router = new Router(options.routes);
    this.#max = options.maxConcurrent ?? 1024;
  }

  /** `refusal`: what the request's headers alone have earned it, told to those who may call here at all. */
  take(
    request: IncomingMessage,
    response: ServerResponse,
    refusal: SignalboxError | null = null,
  ): void {
    const exchange = new HttpExchange(request, response, this.#options);
    this.#running++;
    response.on('close', this.#left);
    response.on('error', nothing);
    this.#answer(exchange, refusal).catch((fault: unknown) => this.#fail(exchange, fault));
  }

  readonly #left = (): void => {
    this.#running--;
  };

  /** A request that Node gave up before any route saw it whole. */
  refuseUnread(fault: Error & { code?: string }, socket: Socket): void {
    const slow = fault.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    const error = slow
      ? new SignalboxError('REQUEST_TOO_SLOW', 'the request did not arrive in time')
      : fault.code === 'HPE_HEADER_OVERFLOW'
        ? new SignalboxError('REQUEST_TOO_LARGE', 'the headers are larger than 16 KiB')
        : new SignalboxError('REQUEST_MALFORMED', 'this is not an HTTP/1.1 request');
    if (!HttpExchange.interrupt(socket, error)) refuseOn(socket, error);
  }

  async #answer(exchange: HttpExchange, refusal: SignalboxError | null): Promise<void> {
    const { request, response } = exchange;
    this.addresses?.check(request);
    if (refusal !== null) throw refusal;
    if (this.#running > this.#max) {
      response.setHeader('retry-after', '1');
      throw new SignalboxError('OVERLOADED', `${this.#max} requests are already being handled`);
    }
    const found = this.#router.find(request.method ?? '', exchange.path);
    if ('allow' in found) {
      response.setHeader('allow', found.allow);
      throw new SignalboxError(
        'METHOD_REFUSED',
        `\`${request.method}\` is not for \`${exchange.path}\`, expected ${found.allow}`,
      );
    }
    exchange.params = found.params;
    await found.route.handle(exchange);
    if (!response.headersSent && !response.destroyed)
      throw new SignalboxError('INTERNAL', 'the route gave no answer');
  }

  #fail(exchange: HttpExchange, fault: unknown): void {
    const error = exposed(fault);
    const shown =
      error.code === 'INTERNAL'
        ? new SignalboxError('INTERNAL', `${error.message} (${this.#incident(exchange, fault)})`)
        : this.#withheld(error);
    try {
      exchange.fail(shown);
    } catch {
      exchange.response.destroy();
    }
  }

  #withheld(error: SignalboxError): SignalboxError {
    const { withhold } = this.#options;
    const message = withhold?.(error.message) ?? error.message;
    if (message === error.message) return error;
    return new SignalboxError(error.code, message, { help: error.help });
  }

  #incident(exchange: HttpExchange, fault: unknown): string {
    const id = this.#options.doors.entropy.id('inc');
    const inner =
      fault instanceof SignalboxError && fault.cause !== undefined ? fault.cause : fault;
    const kind = inner instanceof Error ? `${inner.name}: ${inner.message}` : typeof inner;
    this.#options.log(`${id} ${exchange.request.method} ${exchange.path}: ${kind}`);
    return id;
  }
}

/** The last word on a connection that no route answers. */
function refuseOn(socket: Duplex, error: SignalboxError): void {
  if (!socket.writable) return;
  const body = errorBody(error);
  socket.on('error', nothing);
  socket.end(
    `HTTP/1.1 ${error.status} Refused\r\ncontent-type: application/json\r\nconnection: close\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function createServer(
  options: ListenerOptions,
  take: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const { headersMs, requestMs } = options.slow ?? { headersMs: 10_000, requestMs: 30_000 };
  const settings = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1000, headersMs / 2)),
    keepAliveTimeout: 30_000,
    maxHeaderSize: 16_384,
    // one that names no host is refused by `Addresses`, with words
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    // A held call whose client vanished without a word is noticed by the kernel.
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
  };
  const server =
    options.tls === undefined
      ? createHttpServer(settings, take)
      : createHttpsServer(
          { ...settings, cert: options.tls.cert, key: options.tls.key, minVersion: 'TLSv1.2' },
          take,
        );
  server.maxConnections = (options.maxConcurrent ?? 1024) * 4;
  server.maxHeadersCount = 100;
  return server;
}

function opened(server: Server, options: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (fault: Error & { code?: string }) =>
      reject(
        fault.code === 'EADDRINUSE' || fault.code === 'EACCES' || fault.code === 'EADDRNOTAVAIL'
          ? new SignalboxError(
              'CONFIG_INVALID',
              `\`${options.host}:${options.port}\` cannot be listened on: ${fault.code}`,
              { help: 'stop what uses the port, or choose another' },
            )
          : fault,
      ),
    );
    server.listen(options.port, options.host, () => {
      server.removeAllListeners('error');
      server.on('error', (fault) => options.log(`listener: ${fault.message}`));
      resolve();
    });
  });
}

async function closed(server: Server, options: ListenerOptions, graceMs: number): Promise<void> {
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = options.doors.timers.after(graceMs, () => server.closeAllConnections());
  await done;
  cut.cancel();
}
