import type { Caller } from '../../domain/caller.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import { type Envelope, type Mirrors, readEnvelope } from '../../protocols/mcp/envelope.ts';
import { errorText, faultText, ProtocolFault } from '../../protocols/mcp/faults.ts';
import {
  type Id,
  idIn,
  type Message,
  parseBody,
  type Request,
} from '../../protocols/mcp/message.ts';
import { Results, TTL_MS } from '../../protocols/mcp/results.ts';
import {
  allowsBatches,
  MODERN_VERSION,
  negotiated,
  UNNAMED_VERSION,
} from '../../protocols/mcp/versions.ts';
import { requireJson } from '../http/exchange.ts';
import type { Exchange, Route } from '../http/listener.ts';
import type { Callers } from '../runs/governed.ts';
import { type CallOptions, Calls, type Turn } from './calls.ts';
import { metadataRoutes, refusalHeaders } from './challenge.ts';
import { BatchSlot, HttpReply, type Reply } from './reply.ts';
import { ToolLists } from './tool-lists.ts';

export interface McpOptions extends CallOptions {
  readonly callers: Callers;
  /** Our own version, shown to clients. */
  readonly version: string;
  readonly maxBodyBytes?: number;
  readonly log: (line: string) => void;
}

export interface McpSurface {
  readonly routes: readonly Route[];
  /** Ends the runs that no client declared. */
  close(): Promise<void>;
}

/** MCP over Streamable HTTP on `/mcp`, without sessions: both eras on one URL, tools only. */
export function createMcpSurface(options: McpOptions): McpSurface {
  const endpoint = new Endpoint(options);
  return {
    routes: [
      { method: 'POST', path: '/mcp', handle: (exchange) => endpoint.handle(exchange) },
      ...metadataRoutes(),
    ],
    close: () => endpoint.close(),
  };
}

class Endpoint {
  readonly #options: McpOptions;
  readonly #results: Results;
  readonly #lists: ToolLists;
  readonly #calls: Calls;
  readonly #maxBody: number;

  constructor(options: McpOptions) {
    this.#options = options;
    this.#results = new Results({
      name: 'signalbox',
      title: 'Signalbox',
      version: options.version,
    });
    this.#lists = new ToolLists(options.governed.broker);
    this.#calls = new Calls(options, this.#results, this.#lists);
    this.#maxBody = options.maxBodyBytes ?? 1_048_576;
  }

  close(): Promise<void> {
    return this.#calls.close();
  }

  async handle(exchange: Exchange): Promise<void> {
    let text = '';
    try {
      const caller = await this.#options.callers.authenticate(
        exchange.request.headers.authorization,
      );
      requireJson(exchange.request);
      text = await exchange.text(this.#maxBody);
      const body = parseBody(text);
      if (isBatch(body)) await this.#batch(exchange, caller, body);
      else await this.#message(exchange, caller, body, null);
    } catch (fault) {
      this.#fail(exchange, new HttpReply(exchange, false), idIn(text), fault);
    }
  }

  async #batch(exchange: Exchange, caller: Caller, batch: readonly Message[]): Promise<void> {
    const version = mirrorsOf(exchange).version ?? UNNAMED_VERSION;
    if (!allowsBatches(version))
      throw new ProtocolFault('invalidRequest', `protocol version ${version} has no batches`);
    const slots = batch.map(() => new BatchSlot());
    await Promise.all(
      batch.map((message, index) =>
        this.#message(exchange, caller, message, slots[index] ?? new BatchSlot()),
      ),
    );
    const texts = slots.flatMap(({ text }) => (text === null ? [] : [text]));
    if (texts.length === 0) accepted(exchange);
    else exchange.send(200, `[${texts.join(',')}]`);
  }

  /** Handles one message; in a batch its answer goes into `slot`. */
  async #message(
    exchange: Exchange,
    caller: Caller,
    message: Message,
    slot: BatchSlot | null,
  ): Promise<void> {
    if (message.kind !== 'request') {
      if (message.kind === 'notification') this.#calls.notified(caller, message);
      else if (mirrorsOf(exchange).version === MODERN_VERSION)
        throw new ProtocolFault('invalidRequest', 'this version has no responses of clients');
      if (slot === null) accepted(exchange);
      return;
    }
    let reply: Reply = slot ?? new HttpReply(exchange, false);
    let era: Envelope['era'] = 'modern';
    try {
      const envelope = readEnvelope(message, mirrorsOf(exchange));
      era = envelope.era;
      if (slot !== null && (era === 'modern' || message.method === 'initialize'))
        throw new ProtocolFault('invalidRequest', 'this message cannot be part of a batch');
      reply = slot ?? new HttpReply(exchange, era === 'legacy' && takesStreams(exchange));
      await this.#request({ exchange, caller, envelope, reply }, message);
    } catch (fault) {
      this.#fail(exchange, reply, message.id, fault, era);
    }
  }

  async #request(turn: Turn, request: Request): Promise<void> {
    const { envelope, reply } = turn;
    const { id, method } = request;
    switch (`${envelope.era} ${method}`) {
      case 'modern tools/call':
      case 'legacy tools/call':
        return this.#calls.answer(turn, request);
      case 'modern tools/list':
      case 'legacy tools/list':
        return this.#list(turn, request);
      case 'modern server/discover':
        return reply.send(200, this.#results.discover(id));
      case 'legacy initialize': {
        const version = negotiated(request.params.protocolVersion);
        return reply.send(200, this.#results.initialize(id, version));
      }
      case 'legacy ping':
      case 'legacy logging/setLevel':
        return reply.send(200, this.#results.complete(id, envelope, ''));
      default:
        throw new ProtocolFault('methodNotFound', `method \`${method}\` is not offered here`);
    }
  }

  async #list({ caller, envelope, reply }: Turn, { id, params }: Request): Promise<void> {
    const { cursor } = params;
    if (cursor !== undefined && typeof cursor !== 'string')
      throw new ProtocolFault('invalidParams', 'expected `cursor` to be a text');
    const page = await this.#lists.page(caller, cursor ?? null);
    const caching = envelope.era === 'modern' ? `,"ttlMs":${TTL_MS},"cacheScope":"private"` : '';
    reply.send(200, this.#results.complete(id, envelope, page + caching));
  }

  #fail(
    exchange: Exchange,
    reply: Reply,
    id: Id | null,
    fault: unknown,
    era: Envelope['era'] = 'modern',
  ): void {
    if (fault instanceof ProtocolFault) {
      // Before the modern revision a method that is not there was an answer like any other.
      const status = era === 'legacy' && fault.status === 404 ? 200 : fault.status;
      reply.send(status, faultText(id, fault));
      return;
    }
    const error = fault instanceof SignalboxError ? fault : this.#incident(fault);
    reply.send(error.status, errorText(id, error), refusalHeaders(exchange.request, error));
  }

  #incident(fault: unknown): SignalboxError {
    const { message } = exposed(fault);
    const incident = this.#options.governed.broker.doors.entropy.id('inc');
    const kind = fault instanceof Error ? `${fault.name}: ${fault.message}` : typeof fault;
    this.#options.log(`${incident} POST /mcp: ${kind}`);
    return new SignalboxError('INTERNAL', `${message} (${incident})`);
  }
}

function isBatch(body: Message | readonly Message[]): body is readonly Message[] {
  return Array.isArray(body);
}

function mirrorsOf({ request: { headers } }: Exchange): Mirrors {
  return {
    version: one(headers['mcp-protocol-version']),
    method: one(headers['mcp-method']),
    name: one(headers['mcp-name']),
  };
}

function one(header: string | string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header;
}

function takesStreams({ request }: Exchange): boolean {
  return request.headers.accept?.includes('text/event-stream') === true;
}

function accepted(exchange: Exchange): void {
  exchange.raw(202, 'text/plain', '');
}
