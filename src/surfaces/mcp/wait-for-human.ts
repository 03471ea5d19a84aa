import type { Broker } from '../../broker/broker.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Outcome } from '../../domain/proposal.ts';
import { closedMembers, type Pending } from '../../protocols/mcp/tool-results.ts';
import { Claims } from './claims.ts';
import { type AskState, holdWhilePending } from './hold.ts';
import type { ToolCall } from './tool-call.ts';

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

/** How the wait ended. `closed`: members of a result. `sendAway` false: the client is told to repeat the call. */
export type End =
  | { readonly outcome: Exclude<Outcome, { kind: 'parked' }> }
  | { readonly closed: string }
  | {
      readonly sendAway: boolean;
      readonly pending: Pending;
      readonly asked: JsonObject | null;
    };

/**
 * A call that needs a human:
 *   parked → held → approved → act() again, once → its outcome
 *                 → refused | expired | used by a twin → refusal
 *                 → time over → the client is sent away; it comes back with the same call, and is held again
 */
export class WaitForHuman {
  readonly #broker: Broker;
  readonly #limits: HoldLimits;
  readonly #approvalUrl: (approvalId: string) => string | null;
  readonly #claims = new Claims();
  #held = 0;

  constructor(
    broker: Broker,
    limits: HoldLimits,
    approvalUrl: (approvalId: string) => string | null,
  ) {
    this.#broker = broker;
    this.#limits = limits;
    this.#approvalUrl = approvalUrl;
  }

  /** `again` proposes the same once more. Throws CONNECTOR_ABORTED when the client stopped waiting: the ask stays open. */
  async follow(call: ToolCall, first: Pending, again: () => Promise<Outcome>): Promise<End> {
    const deadline = this.#deadline(call);
    let pending = first;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const state = await this.#hold(call, pending, deadline);
      if (call.signal.aborted)
        throw new SignalboxError('CONNECTOR_ABORTED', 'the call was cancelled while it waited');
      if (state === 'pending') break;
      const closed = closedBecause(state);
      if (closed !== null || (state === 'approved' && !this.#claims.take(pending.approvalId)))
        return { closed: closed ?? USED };
      const outcome = await this.#redeem(again, pending.approvalId);
      if (outcome.kind !== 'parked') return { outcome };
      pending = outcome;
    }
    const rounds = (call.continues?.rounds ?? 0) + 1;
    const modern = call.turn.envelope.era === 'modern';
    return {
      sendAway: modern && !call.givesUp && rounds <= MAX_SENT_AWAY,
      pending,
      asked: inputRequests(call, pending, this.#approvalUrl(pending.approvalId)),
    };
  }

  /** The same proposal again: an approval is now one of the facts. */
  async #redeem(again: () => Promise<Outcome>, approvalId: string): Promise<Outcome> {
    let used = false;
    try {
      const outcome = await again();
      used = outcome.kind === 'done' || outcome.kind === 'failed' || outcome.kind === 'unknown';
      return outcome;
    } finally {
      if (!used) this.#claims.release(approvalId);
    }
  }

  async #hold(call: ToolCall, pending: Pending, deadline: number): Promise<AskState> {
    const { reply, envelope } = call.turn;
    const tick = (): void => {
      if (envelope.era === 'legacy')
        reply.held(envelope.progressToken, `waits for approval ${pending.approvalId}`);
    };
    this.#held++;
    try {
      const until = { deadline, signal: call.signal };
      return await holdWhilePending(this.#broker, pending.approvalId, until, tick);
    } finally {
      this.#held--;
    }
  }

  #deadline({ turn, givesUp }: ToolCall): number {
    const now = this.#broker.doors.clock.monotonic();
    if (givesUp || this.#held >= this.#limits.maxHeld) return now;
    return now + (turn.envelope.era === 'modern' ? this.#limits.modernMs : this.#limits.legacyMs);
  }
}

/**
 * Tells the client's human, where the client can, that somebody else is being waited for. The answer only says whether
 * to go on waiting: an agent's side never approves.
 */
function inputRequests(call: ToolCall, pending: Pending, url: string | null): JsonObject | null {
  const { elicitation } = call.turn.envelope.capabilities;
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
