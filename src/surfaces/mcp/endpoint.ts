import { exposed, SignalboxError } from '../../domain/errors.ts';
import type { Outcome } from '../../domain/proposal.ts';
import {
  type Envelope,
  isTraceparent,
  type Mirrors,
  readEnvelope,
} from '../../protocols/mcp/envelope.ts';
import { errorText, faultText, ProtocolFault } from '../../protocols/mcp/faults.ts';
import {
  type Id,
  idIn,
  type Message,
  parseBody,
  type Request,
} from '../../protocols/mcp/message.ts';
import { createStateSeal, type StateSeal } from '../../protocols/mcp/request-state.ts';
import { Results, TTL_MS } from '../../protocols/mcp/results.ts';
import {
  allowsBatches,
  MODERN_VERSION,
  negotiated,
  UNNAMED_VERSION,
} from '../../protocols/mcp/versions.ts';
import { requireJson } from '../http/exchange.ts';
import type { Exchange, Route } from '../http/listener.ts';
import type { Caller, Callers, Governed } from '../runs/governed.ts';
import { CallAnswers, type HoldLimits } from './answer-call.ts';
import { CallsInFlight, type InFlight } from './calls-in-flight.ts';
import { metadataRoutes, refusalHeaders } from './challenge.ts';
import { ImplicitRuns } from './implicit-runs.ts';
import { BatchSlot, HttpReply, type Reply } from './reply.ts';
import { readContinuation, readParams } from './tool-call.ts';
import { ToolLists } from './tool-lists.ts';

export interface McpOptions {
  readonly governed: Governed;
  readonly callers: Callers;
  /** Our own version, shown to clients. */
  readonly version: string;
  /** 32 bytes for `requestState`, the same on all replicas. */
  readonly stateKey: Uint8Array;
  /** Where an operator answers this ask; null when that should not be told. */
  readonly approvalUrl?: (approvalId: string) => string | null;
  readonly hold?: Partial<HoldLimits>;
  /** Calls with one token at once. Default 32. */
  readonly maxCalls?: number;
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

const HOLD: HoldLimits = { modernMs: 20_000, legacyMs: 25_000, maxHeld: 256 };

/** One message on its way through: who sent it, over which exchange, where its answer goes. */
interface Turn {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly envelope: Envelope;
  readonly reply: Reply;
}

class Endpoint {
  readonly #options: McpOptions;
  readonly #results: Results;
  readonly #seal: StateSeal;
  readonly #answers: CallAnswers;
  readonly #lists: ToolLists;
  readonly #inFlight: CallsInFlight;
  readonly #implicit: ImplicitRuns;
  readonly #maxBody: number;

  constructor(options: McpOptions) {
    const { governed, stateKey } = options;
    this.#options = options;
    this.#results = new Results({
      name: 'signalbox',
      title: 'Signalbox',
      version: options.version,
    });
    this.#seal = createStateSeal(stateKey, governed.broker.doors.entropy);
    this.#answers = new CallAnswers({
      governed,
      results: this.#results,
      seal: this.#seal,
      limits: { ...HOLD, ...options.hold },
      approvalUrl: options.approvalUrl ?? (() => null),
    });
    this.#lists = new ToolLists(governed.broker);
    this.#inFlight = new CallsInFlight(options.maxCalls ?? 32);
    this.#implicit = new ImplicitRuns(governed);
    this.#maxBody = options.maxBodyBytes ?? 1_048_576;
  }

  close(): Promise<void> {
    return this.#implicit.close();
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
      if (message.kind === 'notification') this.#notified(caller, message.method, message.params);
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
        return this.#call(turn, request);
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

  async #call(turn: Turn, request: Request): Promise<void> {
    const { caller, envelope, exchange } = turn;
    const params = readParams(request);
    if (
      this.#inFlight.has(caller.tokenHash, request.id) &&
      !(await this.#lists.isRead(params.tool))
    )
      throw new ProtocolFault('invalidRequest', 'a call with this id is already in flight', {
        code: 'REQUEST_MALFORMED',
        help: 'give every request an id of its own',
      });
    const flight: InFlight = { id: request.id, abort: abortOnClose(exchange) };
    this.#inFlight.enter(caller.tokenHash, flight);
    try {
      if (caller.kind === 'run') await this.#propose(turn, request, params, flight, caller.runId);
      else {
        const client = envelope.client ?? exchange.request.headers['user-agent'] ?? '';
        await this.#implicit.during(
          { agent: caller.agent, tokenHash: caller.tokenHash, client: client.slice(0, 200) },
          async (runId) => {
            const outcome = await this.#propose(turn, request, params, flight, runId);
            if (outcome?.kind === 'refused' && outcome.refusal.code === 'RUN_OVER')
              await this.#implicit.over(runId);
          },
        );
      }
    } finally {
      this.#inFlight.leave(caller.tokenHash, flight);
    }
  }

  #propose(
    { envelope, exchange, reply }: Turn,
    request: Request,
    params: ReturnType<typeof readParams>,
    flight: InFlight,
    runId: string,
  ): Promise<Outcome | null> {
    const now = this.#options.governed.broker.doors.clock.now();
    const header = exchange.request.headers.traceparent;
    const call = {
      id: request.id,
      runId,
      ...params,
      envelope,
      traceparent: envelope.traceparent ?? (isTraceparent(header) ? header : null),
      signal: flight.abort.signal,
    };
    const continued =
      envelope.era === 'modern'
        ? readContinuation(request, call, this.#seal, now)
        : { continues: null, givesUp: false };
    return this.#answers.answer({ ...call, ...continued }, reply);
  }

  #notified(caller: Caller, method: string, params: Request['params']): void {
    if (method !== 'notifications/cancelled') return;
    const { requestId } = params;
    if (typeof requestId === 'string' || typeof requestId === 'number')
      this.#inFlight.cancel(caller.tokenHash, requestId);
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

/** Closing the response is how a client cancels. */
function abortOnClose({ response }: Exchange): AbortController {
  const abort = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort(new Error('the caller went away'));
  });
  return abort;
}

function accepted(exchange: Exchange): void {
  exchange.raw(202, 'text/plain', '');
}
