import type { Caller } from '../../domain/caller.ts';
import type { Outcome } from '../../domain/proposal.ts';
import { Stop, type StopSignal } from '../../domain/stop.ts';
import { isTraceparent } from '../../protocols/mcp/envelope.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Notification, Response } from '../../protocols/mcp/message.ts';
import { paramMismatch } from '../../protocols/mcp/mirror.ts';
import { createStateSeal, type StateSeal } from '../../protocols/mcp/request-state.ts';
import type { Results } from '../../protocols/mcp/results.ts';
import type { Governed } from '../runs/governed.ts';
import { CallAnswers } from './answer-call.ts';
import { CallsInFlight, type InFlight } from './calls-in-flight.ts';
import type { GrantedViews } from './granted-views.ts';
import { HeldCalls } from './held-calls.ts';
import { ImplicitRuns } from './implicit-runs.ts';
import { LiveQuestions } from './live-questions.ts';
import { HttpReply } from './reply.ts';
import { TOLD_AS_TOOL, toldAsMisfit } from './telling.ts';
import { readContinuation, readParams, type ToolCall, type Wanted } from './tool-call.ts';
import { placeOf, type Turn } from './turn.ts';
import { type HoldLimits, WaitForHuman } from './wait-for-human.ts';

export interface CallOptions {
  readonly governed: Governed;
  /** 32 bytes for what is sealed into the hands of clients, the same on all replicas. */
  readonly stateKey: Uint8Array;
  /** Where an operator answers this ask; null when that should not be told. */
  readonly approvalUrl?: ((approvalId: string) => string | null) | undefined;
  readonly hold?: Partial<HoldLimits> | undefined;
  /** Calls with one token at once. Default 32. */
  readonly maxCalls?: number | undefined;
}

const HOLD: HoldLimits = { modernMs: 20_000, legacyMs: 25_000, maxHeld: 256 };
const NOT_CONTINUED = { continues: null, responses: null, givesUp: false };

/** From a request that needs the judge to a proposal of a run, and back. */
export class Calls {
  readonly #governed: Governed;
  readonly #views: GrantedViews;
  readonly #seal: StateSeal;
  readonly #answers: CallAnswers;
  readonly #inFlight: CallsInFlight;
  readonly #implicit: ImplicitRuns;
  readonly #held: HeldCalls;
  readonly #questions: LiveQuestions;

  constructor(
    options: CallOptions,
    results: Results,
    views: GrantedViews,
    fail: (turn: Turn, fault: unknown) => void,
  ) {
    const { governed } = options;
    const { broker } = governed;
    this.#governed = governed;
    this.#views = views;
    this.#seal = createStateSeal(options.stateKey, broker.doors.entropy);
    this.#held = new HeldCalls(broker.doors);
    this.#questions = new LiveQuestions(broker.doors.timers, broker.store.replica);
    const url = options.approvalUrl ?? (() => null);
    this.#answers = new CallAnswers({
      governed,
      results,
      seal: this.#seal,
      held: this.#held,
      questions: this.#questions,
      humans: new WaitForHuman(broker, { ...HOLD, ...options.hold }, url),
      fail,
    });
    this.#inFlight = new CallsInFlight(options.maxCalls ?? 32);
    this.#implicit = new ImplicitRuns(governed);
  }

  close(): Promise<void> {
    this.#held.close();
    return this.#implicit.close();
  }

  /** `tools/call`. Throws ProtocolFault or SignalboxError when it never became a proposal. */
  async tool(turn: Turn): Promise<void> {
    const { tool, arguments: given, malformed } = readParams(turn.request);
    if (malformed !== undefined) {
      const telling = toldAsMisfit(malformed);
      return this.answer(turn, { tool, arguments: given, telling, reads: false, malformed });
    }
    if (turn.envelope.era === 'modern') {
      const found = this.#views.mirrored(tool);
      const params = found instanceof Promise ? await found : found;
      if (params.length > 0) {
        const { headers } = turn.exchange.request;
        const wrong = paramMismatch(params, given, (name) => headers[name]?.toString());
        if (wrong !== null) throw new ProtocolFault('headerMismatch', `header mismatch: ${wrong}`);
      }
    }
    const reads =
      turn.request.params.inputResponses !== undefined && (await this.#views.isRead(tool));
    await this.answer(turn, { tool, arguments: given, telling: TOLD_AS_TOOL, reads });
  }

  /** Throws ProtocolFault or SignalboxError when the call never became a proposal. */
  async answer(turn: Turn, wanted: Wanted): Promise<void> {
    const { caller, id } = turn;
    const { tokenHash } = caller;
    const place = placeOf(turn);
    if (this.#inFlight.has(tokenHash, place, id)) await this.#refuseTwin(wanted);
    const flight: InFlight = { place, id, abort: abortOnClose(turn) };
    this.#inFlight.enter(tokenHash, flight);
    try {
      if (caller.kind === 'run') await this.#propose(turn, wanted, flight, caller.runId);
      else await this.#proposeUndeclared(turn, wanted, flight, caller);
    } finally {
      this.#inFlight.leave(tokenHash, flight);
    }
  }

  /** A read on behalf of this caller with nobody to tell on the way (a list, a subscription). Throws OVERLOADED. */
  async quietly(
    turn: Turn,
    { tool, arguments: given }: Pick<Wanted, 'tool' | 'arguments'>,
    signal: StopSignal | null = turn.exchange.signal,
  ): Promise<Outcome> {
    const { caller, id } = turn;
    const read = (runId: string): Promise<Outcome> =>
      this.#governed.act(this.#governed.broker, {
        runId,
        tool,
        arguments: given,
        via: 'mcp',
        ...(signal === null ? {} : { signal }),
      });
    const flight: InFlight = { place: placeOf(turn), id, abort: new Stop() };
    this.#inFlight.enter(caller.tokenHash, flight);
    try {
      if (caller.kind === 'run') return await read(caller.runId);
      return await this.#implicit.during({ ...caller, client: clientOf(turn) }, read);
    } finally {
      this.#inFlight.leave(caller.tokenHash, flight);
    }
  }

  /** Cancels by id, as legacy clients do; other notifications ask nothing of us. */
  notified(at: Pick<Turn, 'caller' | 'session'>, { method, params }: Notification): void {
    if (method !== 'notifications/cancelled') return;
    const { requestId } = params;
    if (typeof requestId === 'string' || typeof requestId === 'number')
      this.#inFlight.cancel(at.caller.tokenHash, placeOf(at), requestId);
  }

  /** A legacy client's answer to what it was asked. */
  answered(at: Pick<Turn, 'caller' | 'session'>, response: Response): void {
    this.#questions.answered(placeOf(at), response);
  }

  /**
   * An id in flight must not come again, or a repeated delivery would be a second effect. Reads may share one: each has
   * its own exchange, and several clients may share one run token.
   */
  async #refuseTwin({ tool }: Wanted): Promise<void> {
    if (await this.#views.isRead(tool)) return;
    throw new ProtocolFault('invalidRequest', 'a call with this id is already in flight', {
      code: 'REQUEST_MALFORMED',
      help: 'give every request an id of its own',
    });
  }

  #proposeUndeclared(
    turn: Turn,
    wanted: Wanted,
    flight: InFlight,
    { agent, tokenHash }: Extract<Caller, { kind: 'agent' }>,
  ): Promise<void> {
    const who = { agent, tokenHash, client: clientOf(turn) };
    return this.#implicit.during(who, async (runId) => {
      const outcome = await this.#propose(turn, wanted, flight, runId);
      if (outcome?.kind === 'refused' && outcome.refusal.code === 'RUN_OVER')
        await this.#implicit.over(runId);
    });
  }

  #propose(
    turn: Turn,
    wanted: Wanted,
    { abort }: InFlight,
    runId: string,
  ): Promise<Outcome | null> {
    const { envelope, exchange, request } = turn;
    const header = exchange.request.headers.traceparent;
    const { params } = request;
    const isRetry = params.requestState !== undefined || params.inputResponses !== undefined;
    const now = this.#governed.broker.doors.clock.now();
    const continued =
      isRetry && envelope.era === 'modern'
        ? readContinuation(request, { ...wanted, runId }, this.#seal, now)
        : NOT_CONTINUED;
    const call: ToolCall = {
      runId,
      tool: wanted.tool,
      arguments: wanted.arguments,
      ...(wanted.malformed === undefined ? {} : { malformed: wanted.malformed }),
      telling: wanted.telling,
      reads: wanted.reads,
      traceparent: envelope.traceparent ?? (isTraceparent(header) ? header : null),
      signal: abort.signal,
      abort,
      continues: continued.continues,
      responses: continued.responses,
      givesUp: continued.givesUp,
      turn,
      held: null,
    };
    return this.#answers.answer(call);
  }
}

/** By what a client without a declared run is told from others with its secret. */
function clientOf({ envelope, exchange }: Turn): string {
  return (envelope.client ?? exchange.request.headers['user-agent'] ?? '').slice(0, 200);
}

/** Closing the response is how a client cancels; one that can come back to its stream has some time for that. */
function abortOnClose({ exchange: { response }, reply }: Turn): Stop {
  const abort = new Stop();
  const gone = (): void => abort.abort(new Error('the caller went away'));
  const http = reply instanceof HttpReply ? reply : null;
  if (http !== null) http.onGone = gone;
  response.once('close', () => {
    if (!response.writableFinished && http?.outlives !== true) gone();
  });
  return abort;
}
