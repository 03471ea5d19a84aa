import type { Caller } from '../../domain/caller.ts';
import type { Change } from '../../domain/connector.ts';
import { exposed, SignalboxError } from '../../domain/errors.ts';
import { type Envelope, type Mirrors, readEnvelope } from '../../protocols/mcp/envelope.ts';
import { errorText, faultText, ProtocolFault } from '../../protocols/mcp/faults.ts';
import { type Id, idIn, type Message, parseBody } from '../../protocols/mcp/message.ts';
import { Results } from '../../protocols/mcp/results.ts';
import { allowsBatches, MODERN_VERSION, UNNAMED_VERSION } from '../../protocols/mcp/versions.ts';
import { requireJson } from '../http/exchange.ts';
import type { Exchange, Route } from '../http/listener.ts';
import type { Callers } from '../runs/governed.ts';
import type { CallOptions } from './calls.ts';
import { metadataRoutes, refusalHeaders } from './challenge.ts';
import { resumable } from './listening.ts';
import { Methods } from './methods.ts';
import { BatchSlot, HttpReply, type Reply } from './reply.ts';
import type { Session } from './sessions.ts';
import { CallFault } from './telling.ts';
import { placeOf } from './turn.ts';

export interface McpOptions extends CallOptions {
  readonly callers: Callers;
  /** Our own version, shown to clients. */
  readonly version: string;
  readonly maxBodyBytes?: number;
  readonly log: (line: string) => void;
  /** Called for every request that is refused for want of room. */
  readonly overloaded?: (() => void) | undefined;
}

export interface McpSurface {
  readonly routes: readonly Route[];
  /** A server behind us says that something of it is another now. */
  changed(change: Change): void;
  /** Ends the streams of those who only listen, so that a listener need not wait for them to close. */
  hush(): void;
  /** Ends the runs that no client declared. */
  close(): Promise<void>;
}

/** MCP over Streamable HTTP on `/mcp`: both eras on one URL. */
export function createMcpSurface(options: McpOptions): McpSurface {
  const endpoint = new Endpoint(options);
  const path = '/mcp';
  return {
    routes: [
      { method: 'POST', path, handle: (exchange) => endpoint.post(exchange) },
      { method: 'GET', path, handle: (exchange) => endpoint.get(exchange) },
      { method: 'DELETE', path, handle: (exchange) => endpoint.delete(exchange) },
      ...metadataRoutes(),
    ],
    changed: (change) => endpoint.methods.changed(change),
    hush: () => endpoint.methods.hush(),
    close: () => endpoint.close(),
  };
}

class Endpoint {
  readonly methods: Methods;
  readonly #options: McpOptions;
  readonly #maxBody: number;

  constructor(options: McpOptions) {
    this.#options = options;
    const results = new Results({
      name: 'signalbox',
      title: 'Signalbox',
      version: options.version,
    });
    this.methods = new Methods(options, options.callers, results, (turn, fault) =>
      this.#fail(turn.exchange, turn.reply, turn.id, fault, turn.envelope.era),
    );
    this.#maxBody = options.maxBodyBytes ?? 1_048_576;
  }

  async close(): Promise<void> {
    await this.methods.close();
  }

  async post(exchange: Exchange): Promise<void> {
    let text = '';
    try {
      const { headers } = exchange.request;
      const caller = await this.#options.callers.authenticate(headers.authorization);
      requireJson(exchange.request);
      text = await exchange.text(this.#maxBody);
      const body = parseBody(text);
      const named = headers['mcp-session-id'];
      const found =
        typeof named === 'string' && headers['mcp-protocol-version'] !== MODERN_VERSION
          ? this.methods.sessions.find(named, caller)
          : null;
      const session = found instanceof Promise ? await found : found;
      if (isBatch(body)) await this.#batch(exchange, caller, session, body);
      else await this.#message(exchange, caller, session, body, null);
    } catch (fault) {
      this.#fail(exchange, new HttpReply(exchange, null), idIn(text), fault);
    }
  }

  /** The stream of a legacy session. */
  async get(exchange: Exchange): Promise<void> {
    await this.#ofSession(exchange, async (caller, session) => {
      if (!takesStreams(exchange))
        throw new ProtocolFault('invalidRequest', 'expected `accept: text/event-stream`');
      await this.methods.listening.open(exchange, caller, session);
    });
  }

  /** A legacy client ends its session. */
  async delete(exchange: Exchange): Promise<void> {
    await this.#ofSession(exchange, async (_caller, session) => {
      await this.methods.sessions.end(session);
      exchange.raw(200, 'text/plain', '');
    });
  }

  async #ofSession(
    exchange: Exchange,
    then: (caller: Caller, session: Session) => Promise<void>,
  ): Promise<void> {
    try {
      const { headers } = exchange.request;
      const caller = await this.#options.callers.authenticate(headers.authorization);
      const named = headers['mcp-session-id'];
      if (typeof named !== 'string' || headers['mcp-protocol-version'] === MODERN_VERSION) {
        exchange.response.setHeader('allow', 'POST');
        throw new SignalboxError('METHOD_REFUSED', 'only a session of an older revision has this');
      }
      await then(caller, await this.methods.sessions.find(named, caller));
    } catch (fault) {
      this.#fail(exchange, new HttpReply(exchange, null), null, fault);
    }
  }

  async #batch(
    exchange: Exchange,
    caller: Caller,
    session: Session | null,
    batch: readonly Message[],
  ): Promise<void> {
    const version = mirrorsOf(exchange).version ?? session?.version ?? UNNAMED_VERSION;
    if (!allowsBatches(version))
      throw new ProtocolFault('invalidRequest', `protocol version ${version} has no batches`);
    const slots = batch.map(() => new BatchSlot());
    await Promise.all(
      batch.map((message, index) =>
        this.#message(exchange, caller, session, message, slots[index] ?? new BatchSlot()),
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
    session: Session | null,
    message: Message,
    slot: BatchSlot | null,
  ): Promise<void> {
    if (message.kind !== 'request') {
      if (message.kind === 'notification')
        this.methods.calls.notified({ caller, session }, message);
      else if (mirrorsOf(exchange).version === MODERN_VERSION)
        throw new ProtocolFault('invalidRequest', 'this version has no responses of clients');
      else this.methods.calls.answered({ caller, session }, message);
      if (slot === null) accepted(exchange);
      return;
    }
    let reply: Reply = slot ?? new HttpReply(exchange, null);
    let era: Envelope['era'] = 'modern';
    try {
      const mirrors = mirrorsOf(exchange);
      const envelope = readEnvelope(message, mirrors, session);
      era = envelope.era;
      const { method, id } = message;
      if (slot !== null && (era === 'modern' || method === 'initialize'))
        throw new ProtocolFault('invalidRequest', 'this message cannot be part of a batch');
      if (session !== null && mirrors.version !== undefined && mirrors.version !== session.version)
        throw new ProtocolFault('invalidRequest', `this session speaks ${session.version}`);
      if (slot === null && takesStreams(exchange))
        reply = this.#streaming(exchange, caller, session);
      await this.methods.answer({
        exchange,
        caller,
        session,
        id,
        request: message,
        envelope,
        reply,
      });
    } catch (fault) {
      this.#fail(exchange, reply, message.id, fault, era);
    }
  }

  #streaming(exchange: Exchange, caller: Caller, session: Session | null): HttpReply {
    return new HttpReply(exchange, {
      streams: this.methods.streams,
      owner: placeOf({ caller, session }),
      resumable: resumable(session),
    });
  }

  #fail(
    exchange: Exchange,
    reply: Reply,
    id: Id | null,
    fault: unknown,
    era: Envelope['era'] = 'modern',
  ): void {
    if (fault instanceof CallFault) {
      reply.send(200, faultText(id, fault.error));
      return;
    }
    if (fault instanceof ProtocolFault) {
      // Before the modern revision a method that is not there was an answer like any other.
      const isAnswer = era === 'legacy' && fault.code === -32601;
      reply.send(isAnswer ? 200 : fault.status, faultText(id, fault));
      return;
    }
    const error = fault instanceof SignalboxError ? fault : this.#incident(fault);
    if (error.status === 429) this.#options.overloaded?.();
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
