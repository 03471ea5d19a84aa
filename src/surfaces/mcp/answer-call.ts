import { NO_SINK, type Question } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Continuation, Outcome, Wants } from '../../domain/proposal.ts';
import { missingCapability } from '../../protocols/mcp/faults.ts';
import { capabilityFor, questionIn, undeclared } from '../../protocols/mcp/questions.ts';
import type { RequestState, StateSeal, Waits } from '../../protocols/mcp/request-state.ts';
import type { Results } from '../../protocols/mcp/results.ts';
import type { Pending } from '../../protocols/mcp/tool-results.ts';
import type { Governed } from '../runs/governed.ts';
import { CallSink } from './call-sink.ts';
import { AWAY_MS, type HeldCall, type HeldCalls } from './held-calls.ts';
import type { LiveQuestions } from './live-questions.ts';
import { argumentsDigest, continuationOf, refusedState, type ToolCall } from './tool-call.ts';
import { placeOf, type Turn } from './turn.ts';
import type { WaitForHuman } from './wait-for-human.ts';

/** A target that asks more often than this is not answered. */
const MAX_ROUNDS = 8;
/** How long a modern client may take to answer what a modern target asked. */
const ANSWER_MS = 15 * 60_000;
const NOTHING: JsonObject = {};

export interface AnswerParts {
  readonly governed: Governed;
  readonly results: Results;
  readonly seal: StateSeal;
  readonly held: HeldCalls;
  readonly questions: LiveQuestions;
  readonly humans: WaitForHuman;
  /** Answers this request with an error. */
  fail(turn: Turn, fault: unknown): void;
}

/**
 * From a proposal to the client's answer:
 *   act → done, failed, refused … → the answer
 *       → parked → a human is waited for (wait-for-human.ts) → act again, or the client is sent away
 *       → the target wants to know something first:
 *           modern client: `input_required` with sealed state; its retry is the next act
 *           legacy client: asked on the stream of its call; then act again
 *   while act runs, the target asks: legacy client on its stream, modern client by `input_required` while the call is
 *   held in the air (held-calls.ts)
 * The surface holds the client; act() never waits for one but by its sink.
 */
export class CallAnswers {
  readonly #parts: AnswerParts;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /**
   * Proposes the call and answers it. Resolves with the outcome, or null when the call never came to one.
   * Throws CONNECTOR_ABORTED when the client stopped waiting: the ask stays open.
   */
  async answer(call: ToolCall): Promise<Outcome | null> {
    try {
      return await this.#answer(call);
    } catch (error) {
      if (call.held === null || call.held.round === 0) throw error;
      this.#parts.fail(call.turn, error); // of the request that the client came back with
      return null;
    } finally {
      if (call.held !== null) this.#parts.held.over(call.held);
    }
  }

  async #answer(call: ToolCall): Promise<Outcome | null> {
    let given = continuationOf(call);
    const waits = call.continues?.waits;
    if (waits?.for === 'held') return this.#rejoin(call, waits);
    if (waits?.for === 'answers') await this.#useUp(waits.once, call.continues?.expiresAt ?? 0);
    let outcome =
      waits?.for === 'approval'
        ? await this.#afterHuman(
            call,
            { ...waits, expiresAt: call.continues?.expiresAt ?? 0 },
            given,
          )
        : await this.#act(call, given);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (outcome?.kind === 'parked') outcome = await this.#afterHuman(call, outcome, given);
      if (outcome === null) return null;
      const wants = outcome.kind === 'done' ? outcome.result.wants : undefined;
      if (wants === undefined) {
        this.#complete(call, call.telling.outcome(outcome, call.turn));
        return outcome;
      }
      given = await this.#askFor(call, wants);
      if (given === null) return outcome;
      outcome = await this.#act(call, given);
    }
    throw new SignalboxError('CONNECTOR_REFUSED', `the target asked more than ${MAX_ROUNDS} times`);
  }

  /** On whichever replica it comes back: a state is good once. */
  async #useUp(claim: string, until: number): Promise<void> {
    const { store, doors } = this.#parts.governed.broker;
    const at = doors.clock.now();
    const taken = await store.commit({ kind: 'claim.take', claim, until, at });
    if (!taken.ok) throw refusedState('`requestState` was used already');
  }

  /** Null: the client has its answer, whatever it is. */
  async #afterHuman(
    call: ToolCall,
    pending: Pending,
    given: Continuation | null,
  ): Promise<Exclude<Outcome, { kind: 'parked' }> | null> {
    const end = await this.#parts.humans.follow(call, pending, () => this.#act(call, given));
    if ('outcome' in end) return end.outcome;
    if ('closed' in end) this.#complete(call, call.telling.closed(end.closed));
    else if (end.sendAway && call.telling.mayAsk) {
      const { approvalId, actionId, previewed, expiresAt } = end.pending;
      const waits: Waits = { for: 'approval', approvalId, actionId, previewed };
      this.#sendAway(call, { waits, expiresAt, continuation: given }, end.asked);
    } else this.#complete(call, call.telling.pending(end.pending));
    return null;
  }

  /** The target's questions to the client. Null: the client was sent away to answer them. */
  async #askFor(call: ToolCall, { questions, state }: Wants): Promise<Continuation | null> {
    const { envelope } = call.turn;
    for (const value of Object.values(questions)) {
      const question = questionIn(value);
      const needed = question === null ? null : capabilityFor(question);
      if (needed === null)
        throw new SignalboxError('CONNECTOR_REFUSED', 'the target asked what no client answers');
      const lacking = undeclared(needed, envelope.capabilities);
      if (lacking !== null) throw missingCapability(lacking);
    }
    if (envelope.era === 'legacy') {
      const asked = Object.entries(questions).map(async ([key, value]) => [
        key,
        await this.#askLive(call, questionIn(value) as Question),
      ]);
      return { responses: Object.fromEntries(await Promise.all(asked)) as JsonObject, state };
    }
    if (!call.telling.mayAsk)
      throw new SignalboxError('CONNECTOR_REFUSED', 'the target asked where no client answers');
    const { clock, entropy } = this.#parts.governed.broker.doors;
    const waits: Waits = { for: 'answers', state, once: entropy.id('answers') };
    const expiresAt = clock.now() + ANSWER_MS;
    this.#sendAway(call, { waits, expiresAt, continuation: null }, questions);
    return null;
  }

  #askLive(call: ToolCall, question: Question): Promise<JsonObject> {
    const { turn, signal } = call;
    const tell = (text: string): Promise<void> => turn.reply.tell(text);
    return this.#parts.questions.ask(placeOf(turn), question, tell, signal);
  }

  async #act(call: ToolCall, given: Continuation | null): Promise<Outcome> {
    const { governed } = this.#parts;
    const { envelope, reply } = call.turn;
    const capabilities = askedOver(call) ? envelope.capabilities : NOTHING;
    const proposal = {
      runId: call.runId,
      tool: call.tool,
      arguments: call.arguments,
      via: 'mcp',
      signal: call.signal,
      ...(call.malformed === undefined ? {} : { malformed: call.malformed }),
      ...(call.traceparent === null ? {} : { traceparent: call.traceparent }),
      ...(given === null ? {} : { continuation: given }),
    };
    if (!reply.streams && capabilities === NOTHING)
      return governed.act(governed.broker, proposal, NO_SINK);
    if (envelope.era === 'modern' && capabilities !== NOTHING)
      call.held ??= this.#parts.held.hold(call.turn, call.abort);
    const { held } = call;
    const ask = (question: Question): Promise<JsonObject> =>
      held === null ? this.#askLive(call, question) : held.ask(question);
    const sink = new CallSink(call, capabilities, ask);
    try {
      const acting = governed.act(governed.broker, proposal, sink);
      const outcome = held === null ? await acting : await this.#inTheAir(call, held, acting);
      if (sink.lacking !== null && envelope.era === 'modern' && cameToNothing(outcome))
        throw missingCapability(sink.lacking);
      return outcome;
    } finally {
      sink.close();
    }
  }

  /** A call whose target may ask a modern client: the client is sent away and comes back, the call goes on. */
  async #inTheAir(call: ToolCall, held: HeldCall, acting: Promise<Outcome>): Promise<Outcome> {
    const landed = acting.then(
      () => true,
      () => true,
    );
    try {
      for (;;) {
        const over = await Promise.race([landed, held.wanted.then(() => false)]);
        if (over) return await acting;
        this.#parts.held.keep(held);
        const back = held.away();
        this.#sendAwayFrom(call, held);
        if (!(await back)) {
          call.abort.abort(new Error('its client did not come back'));
          this.#parts.held.over(held);
          return await acting;
        }
        call.turn = held.turn;
      }
    } catch (error) {
      call.abort.abort(error);
      acting.catch(() => undefined);
      throw error;
    }
  }

  #sendAwayFrom(call: ToolCall, held: HeldCall): void {
    const waits: Waits = { for: 'held', call: held.id, round: held.round };
    const expiresAt = this.#parts.governed.broker.doors.clock.now() + AWAY_MS;
    this.#sendAway(call, { waits, expiresAt, continuation: null }, held.questions);
  }

  /** The client is back at a call that is still in the air. */
  async #rejoin(call: ToolCall, waits: Extract<Waits, { for: 'held' }>): Promise<null> {
    const held = this.#parts.held.find(waits);
    await held.comeBack(call.turn, call.responses ?? NOTHING, call.signal);
    return null;
  }

  #sendAway(
    call: ToolCall,
    { waits, expiresAt, continuation }: Pick<RequestState, 'waits' | 'expiresAt' | 'continuation'>,
    asked: JsonObject | null,
  ): void {
    const state: RequestState = {
      runId: call.runId,
      tool: call.tool,
      argumentsDigest: argumentsDigest(call.arguments),
      rounds: (call.continues?.rounds ?? 0) + 1,
      expiresAt,
      continuation,
      waits,
    };
    const { id, reply } = call.turn;
    const { results, seal } = this.#parts;
    reply.send(200, results.inputRequired(id, seal.seal(state), asked));
  }

  #complete(call: ToolCall, members: string): void {
    const { id, envelope, reply } = call.turn;
    reply.send(200, this.#parts.results.complete(id, envelope, members));
  }
}

/** A target that was refused an answer gave up for want of it, as far as one can see from here. */
function cameToNothing(outcome: Outcome): boolean {
  if (outcome.kind === 'done') return outcome.result.wire?.includes('"isError":true') === true;
  return outcome.kind === 'failed';
}

/** The client can be asked in the course of this call. */
function askedOver({ turn: { envelope, reply }, telling }: ToolCall): boolean {
  const { elicitation, sampling, roots } = envelope.capabilities;
  if (elicitation === undefined && sampling === undefined && roots === undefined) return false;
  return envelope.era === 'modern' ? telling.mayAsk : reply.streams;
}
