import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Outcome } from '../../domain/proposal.ts';
import type { RequestState, StateSeal } from '../../protocols/mcp/request-state.ts';
import type { Results } from '../../protocols/mcp/results.ts';
import {
  closedMembers,
  outcomeMembers,
  type Pending,
  pendingMembers,
} from '../../protocols/mcp/tool-results.ts';
import type { Governed } from '../runs/governed.ts';
import { Claims } from './claims.ts';
import { type AskState, holdWhilePending } from './hold.ts';
import type { Reply } from './reply.ts';
import { argumentsDigest, type ToolCall } from './tool-call.ts';

/** How long a client is held for a human before it is sent away with a handle, and how many are held at once. */
export interface HoldLimits {
  readonly modernMs: number;
  readonly legacyMs: number;
  readonly maxHeld: number;
}

/** Clients give up with an error after ten rounds of `input_required`: before that they get a result they can act on. */
const MAX_SENT_AWAY = 8;
/** An ask that moved under a held call (rows changed, halt lifted) is followed this often. */
const MAX_ROUNDS = 8;

/**
 * From a proposal to the client's answer. A call that needs a human:
 *   parked → held → approved → act() again, once → result
 *                 → refused | expired | used by a twin → refusal
 *                 → time over → modern: `input_required` with sealed state; legacy: a pending result with a handle
 *   retry with state, or the same legacy call again → held, as above
 * The surface holds the client; act() never waits.
 */
export class CallAnswers {
  readonly #governed: Governed;
  readonly #results: Results;
  readonly #seal: StateSeal;
  readonly #limits: HoldLimits;
  readonly #approvalUrl: (approvalId: string) => string | null;
  readonly #claims = new Claims();
  #held = 0;

  constructor(parts: {
    readonly governed: Governed;
    readonly results: Results;
    readonly seal: StateSeal;
    readonly limits: HoldLimits;
    readonly approvalUrl: (approvalId: string) => string | null;
  }) {
    this.#governed = parts.governed;
    this.#results = parts.results;
    this.#seal = parts.seal;
    this.#limits = parts.limits;
    this.#approvalUrl = parts.approvalUrl;
  }

  /**
   * Proposes the call and answers it. Resolves with the outcome, or null when the call never came to one.
   * Throws CONNECTOR_ABORTED when the client stopped waiting: the ask stays open.
   */
  async answer(call: ToolCall, reply: Reply): Promise<Outcome | null> {
    if (call.continues !== null) return this.#follow(call, reply, call.continues);
    const outcome = await this.#act(call);
    if (outcome.kind === 'parked') return this.#follow(call, reply, outcome);
    this.#complete(call, reply, outcomeMembers(outcome));
    return outcome;
  }

  async #follow(call: ToolCall, reply: Reply, first: Pending): Promise<Outcome | null> {
    const deadline = this.#deadline(call);
    let pending = first;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const state = await this.#hold(call, reply, pending, deadline);
      if (call.signal.aborted)
        throw new SignalboxError('CONNECTOR_ABORTED', 'the call was cancelled while it waited');
      if (state === 'pending') break;
      const closed = closedBecause(state);
      if (closed !== null || (state === 'approved' && !this.#claims.take(pending.approvalId))) {
        this.#complete(call, reply, closed ?? USED);
        return null;
      }
      const outcome = await this.#redeem(call, pending.approvalId);
      if (outcome.kind !== 'parked') {
        this.#complete(call, reply, outcomeMembers(outcome));
        return outcome;
      }
      pending = outcome;
    }
    this.#sendAway(call, reply, pending);
    return null;
  }

  /** The same proposal again: an approval is now one of the facts. */
  async #redeem(call: ToolCall, approvalId: string): Promise<Outcome> {
    let used = false;
    try {
      const outcome = await this.#act(call);
      used = outcome.kind === 'done' || outcome.kind === 'failed' || outcome.kind === 'unknown';
      return outcome;
    } finally {
      if (!used) this.#claims.release(approvalId);
    }
  }

  async #hold(call: ToolCall, reply: Reply, pending: Pending, deadline: number): Promise<AskState> {
    this.#held++;
    try {
      return await holdWhilePending(
        this.#governed.broker,
        pending.approvalId,
        { deadline, signal: call.signal },
        () => reply.held(call.envelope.progressToken, `waits for approval ${pending.approvalId}`),
      );
    } finally {
      this.#held--;
    }
  }

  #deadline({ envelope, givesUp }: ToolCall): number {
    const now = this.#governed.broker.doors.clock.monotonic();
    if (givesUp || this.#held >= this.#limits.maxHeld) return now;
    return now + (envelope.era === 'modern' ? this.#limits.modernMs : this.#limits.legacyMs);
  }

  #sendAway(call: ToolCall, reply: Reply, pending: Pending): void {
    const rounds = (call.continues?.rounds ?? 0) + 1;
    if (call.envelope.era === 'legacy' || call.givesUp || rounds > MAX_SENT_AWAY) {
      this.#complete(call, reply, pendingMembers(pending));
      return;
    }
    const state: RequestState = {
      runId: call.runId,
      tool: call.tool,
      argumentsDigest: argumentsDigest(call.arguments),
      approvalId: pending.approvalId,
      actionId: pending.actionId,
      previewed: pending.previewed,
      expiresAt: pending.expiresAt,
      rounds,
    };
    const asked = inputRequests(call, pending, this.#approvalUrl(pending.approvalId));
    reply.send(200, this.#results.inputRequired(call.id, this.#seal.seal(state), asked));
  }

  #complete(call: ToolCall, reply: Reply, members: string): void {
    reply.send(200, this.#results.complete(call.id, call.envelope, members));
  }

  #act(call: ToolCall): Promise<Outcome> {
    const governed = this.#governed;
    return governed.act(governed.broker, {
      runId: call.runId,
      tool: call.tool,
      arguments: call.arguments,
      via: 'mcp',
      signal: call.signal,
      ...(call.traceparent === null ? {} : { traceparent: call.traceparent }),
    });
  }
}

/**
 * Tells the client's human, where the client can, that somebody else is being waited for. The answer only says whether
 * to go on waiting: an agent's side never approves.
 */
function inputRequests(call: ToolCall, pending: Pending, url: string | null): JsonObject | null {
  const { elicitation } = call.envelope.capabilities;
  if (typeof elicitation !== 'object' || elicitation === null) return null;
  const where = url === null ? 'the operators page' : url;
  const message =
    `\`${call.tool}\` waits for the approval of an operator (${pending.approvalId}), given at ${where}. ` +
    'Accept to keep waiting, decline to stop waiting. Your answer here approves nothing.';
  const takesForms = Object.hasOwn(elicitation, 'form') || !Object.hasOwn(elicitation, 'url');
  if (!takesForms && url === null) return null;
  const params = takesForms
    ? { mode: 'form', message, requestedSchema: { type: 'object', properties: {} } }
    : { mode: 'url', message, url };
  return { approval: { method: 'elicitation/create', params } };
}

function closedBecause(state: AskState): string | null {
  switch (state) {
    case 'refused':
      return closedMembers(
        'APPROVAL_REFUSED',
        'an operator looked at it and refused',
        'do not repeat it; do something else or ask the human you work for',
      );
    case 'expired':
      return closedMembers(
        'APPROVAL_CLOSED',
        'the ask expired before anybody answered',
        'repeat the call to ask again',
      );
    case 'used':
      return USED;
    default:
      return null;
  }
}

const USED = closedMembers(
  'APPROVAL_CLOSED',
  'the approval was used by another identical call, which has been executed',
  'nothing more to do; an approval is good for one execution',
);
