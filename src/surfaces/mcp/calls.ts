import type { Caller } from '../../domain/caller.ts';
import type { Outcome } from '../../domain/proposal.ts';
import { type Envelope, isTraceparent } from '../../protocols/mcp/envelope.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Notification, Request } from '../../protocols/mcp/message.ts';
import { createStateSeal, type StateSeal } from '../../protocols/mcp/request-state.ts';
import type { Results } from '../../protocols/mcp/results.ts';
import type { Exchange } from '../http/listener.ts';
import type { Governed } from '../runs/governed.ts';
import { CallAnswers, type HoldLimits } from './answer-call.ts';
import { CallsInFlight, type InFlight } from './calls-in-flight.ts';
import { ImplicitRuns } from './implicit-runs.ts';
import type { Reply } from './reply.ts';
import { readContinuation, readParams } from './tool-call.ts';
import type { ToolLists } from './tool-lists.ts';

export interface CallOptions {
  readonly governed: Governed;
  /** 32 bytes for `requestState`, the same on all replicas. */
  readonly stateKey: Uint8Array;
  /** Where an operator answers this ask; null when that should not be told. */
  readonly approvalUrl?: ((approvalId: string) => string | null) | undefined;
  readonly hold?: Partial<HoldLimits> | undefined;
  /** Calls with one token at once. Default 32. */
  readonly maxCalls?: number | undefined;
}

/** One message on its way through: who sent it, over which exchange, where its answer goes. */
export interface Turn {
  readonly exchange: Exchange;
  readonly caller: Caller;
  readonly envelope: Envelope;
  readonly reply: Reply;
}

const HOLD: HoldLimits = { modernMs: 20_000, legacyMs: 25_000, maxHeld: 256 };

/** `tools/call`: from a message to a proposal of a run, and back. */
export class Calls {
  readonly #governed: Governed;
  readonly #lists: ToolLists;
  readonly #seal: StateSeal;
  readonly #answers: CallAnswers;
  readonly #inFlight: CallsInFlight;
  readonly #implicit: ImplicitRuns;

  constructor(options: CallOptions, results: Results, lists: ToolLists) {
    const { governed } = options;
    this.#governed = governed;
    this.#lists = lists;
    this.#seal = createStateSeal(options.stateKey, governed.broker.doors.entropy);
    this.#answers = new CallAnswers({
      governed,
      results,
      seal: this.#seal,
      limits: { ...HOLD, ...options.hold },
      approvalUrl: options.approvalUrl ?? (() => null),
    });
    this.#inFlight = new CallsInFlight(options.maxCalls ?? 32);
    this.#implicit = new ImplicitRuns(governed);
  }

  close(): Promise<void> {
    return this.#implicit.close();
  }

  /** Throws ProtocolFault or SignalboxError when the call never became a proposal. */
  async answer(turn: Turn, request: Request): Promise<void> {
    const { caller } = turn;
    const params = readParams(request);
    if (this.#inFlight.has(caller.tokenHash, request.id)) await this.#refuseTwin(params.tool);
    const flight: InFlight = { id: request.id, abort: abortOnClose(turn.exchange) };
    this.#inFlight.enter(caller.tokenHash, flight);
    try {
      if (caller.kind === 'run') await this.#propose(turn, request, params, flight, caller.runId);
      else await this.#proposeUndeclared(turn, request, params, flight, caller);
    } finally {
      this.#inFlight.leave(caller.tokenHash, flight);
    }
  }

  /** Cancels by id, as legacy clients do; other notifications ask nothing of us. */
  notified(caller: Caller, { method, params }: Notification): void {
    if (method !== 'notifications/cancelled') return;
    const { requestId } = params;
    if (typeof requestId === 'string' || typeof requestId === 'number')
      this.#inFlight.cancel(caller.tokenHash, requestId);
  }

  /**
   * An id in flight must not come again, or a repeated delivery would be a second effect. Reads may share one: each has
   * its own exchange, and several clients may share one run token.
   */
  async #refuseTwin(tool: string): Promise<void> {
    if (await this.#lists.isRead(tool)) return;
    throw new ProtocolFault('invalidRequest', 'a call with this id is already in flight', {
      code: 'REQUEST_MALFORMED',
      help: 'give every request an id of its own',
    });
  }

  #proposeUndeclared(
    turn: Turn,
    request: Request,
    params: ReturnType<typeof readParams>,
    flight: InFlight,
    { agent, tokenHash }: Extract<Caller, { kind: 'agent' }>,
  ): Promise<void> {
    const named = turn.envelope.client ?? turn.exchange.request.headers['user-agent'] ?? '';
    const who = { agent, tokenHash, client: named.slice(0, 200) };
    return this.#implicit.during(who, async (runId) => {
      const outcome = await this.#propose(turn, request, params, flight, runId);
      if (outcome?.kind === 'refused' && outcome.refusal.code === 'RUN_OVER')
        await this.#implicit.over(runId);
    });
  }

  #propose(
    { envelope, exchange, reply }: Turn,
    request: Request,
    params: ReturnType<typeof readParams>,
    flight: InFlight,
    runId: string,
  ): Promise<Outcome | null> {
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
        ? readContinuation(request, call, this.#seal, this.#governed.broker.doors.clock.now())
        : { continues: null, givesUp: false };
    return this.#answers.answer({ ...call, ...continued }, reply);
  }
}

/** Closing the response is how a client cancels. */
function abortOnClose({ response }: Exchange): AbortController {
  const abort = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) abort.abort(new Error('the caller went away'));
  });
  return abort;
}
