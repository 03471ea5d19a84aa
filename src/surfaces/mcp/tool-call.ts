import { digestOf } from '../../domain/digest.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Continuation, Outcome } from '../../domain/proposal.ts';
import type { Stop, StopSignal } from '../../domain/stop.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Request } from '../../protocols/mcp/message.ts';
import type { RequestState, StateSeal } from '../../protocols/mcp/request-state.ts';
import type { Pending } from '../../protocols/mcp/tool-results.ts';
import type { HeldCall } from './held-calls.ts';
import type { Turn } from './turn.ts';

/** How the end of a call is said in the method it came by. Members of a result, or a thrown ProtocolFault or CallFault. */
export interface Telling {
  /** The method may be answered by `input_required`. */
  readonly mayAsk: boolean;
  outcome(outcome: Exclude<Outcome, { kind: 'parked' }>, turn: Turn): string;
  pending(pending: Pending): string;
  /** Closed without an effect of this call: `members` are those of a tool's result. */
  closed(members: string): string;
}

/** What a request comes down to: a tool of the bundle and its arguments. */
export interface Wanted {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly telling: Telling;
  /** Answers that came without our state may go to the target: it only reads. */
  readonly reads: boolean;
  /** What was sent as arguments is none: why. It is judged and recorded as that. */
  readonly malformed?: string;
}

/** One call, read and checked; what it asks for is still only a proposal. */
export interface ToolCall extends Wanted {
  readonly runId: string;
  readonly traceparent: string | null;
  readonly signal: StopSignal;
  readonly abort: Stop;
  /** What this call continues, as it was sealed here. */
  readonly continues: RequestState | null;
  /** The client's answers that came with it. */
  readonly responses: JsonObject | null;
  /** The client's human does not want to wait any longer. Nobody on the agents' side can approve. */
  readonly givesUp: boolean;
  /** Another one when its client was sent away and came back. */
  turn: Turn;
  /** Made when the call goes to a target that may ask a modern client. */
  held: HeldCall | null;
}

const MAX_NAME = 128;

/** Name and arguments of a `tools/call`. Throws ProtocolFault. */
export function readParams({ params }: Request): Pick<Wanted, 'tool' | 'arguments' | 'malformed'> {
  const { name, arguments: given = {} } = params;
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME)
    throw invalid(`expected \`name\` to be a text of 1 to ${MAX_NAME} characters`);
  // names with a slash are those of a server's resources and prompts, which have methods of their own
  if (name.includes('/')) throw invalid('there is no tool of this name');
  if (isJsonObject(given)) return { tool: name, arguments: given };
  return { tool: name, arguments: {}, malformed: 'expected `arguments` to be an object' };
}

/**
 * What a retry continues. Throws ProtocolFault unless the state was sealed here, for this run, tool and arguments, and
 * is in time.
 */
export function readContinuation(
  { params }: Request,
  call: { readonly runId: string; readonly tool: string; readonly arguments: JsonObject },
  seal: StateSeal,
  now: number,
): Pick<ToolCall, 'continues' | 'responses' | 'givesUp'> {
  const { requestState, inputResponses } = params;
  if (inputResponses !== undefined && !isJsonObject(inputResponses))
    throw invalid('expected `inputResponses` to be an object');
  const responses = inputResponses ?? null;
  if (requestState === undefined) return { continues: null, responses, givesUp: false };
  const state = typeof requestState === 'string' ? seal.open(requestState) : null;
  if (
    state === null ||
    state.runId !== call.runId ||
    state.tool !== call.tool ||
    state.argumentsDigest !== argumentsDigest(call.arguments)
  )
    throw refusedState('`requestState` was not made for this call');
  if (now >= state.expiresAt) throw refusedState('`requestState` has expired');
  const answer = state.waits.for === 'approval' ? responses?.approval : undefined;
  const givesUp =
    isJsonObject(answer) && (answer.action === 'decline' || answer.action === 'cancel');
  return { continues: state, responses, givesUp };
}

/** With what a call begins: the answers its target gets in the first round. */
export function continuationOf({ continues, responses, reads }: ToolCall): Continuation | null {
  if (continues === null)
    return responses === null || !reads || Object.keys(responses).length === 0
      ? null
      : { responses, state: null };
  const { waits, continuation } = continues;
  return waits.for === 'answers'
    ? { responses: responses ?? {}, state: waits.state }
    : continuation;
}

export function argumentsDigest(given: JsonObject): string {
  return digestOf('arguments', given);
}

export function invalid(message: string): ProtocolFault {
  return new ProtocolFault('invalidParams', message, { code: 'REQUEST_MALFORMED' });
}

export function refusedState(message: string): ProtocolFault {
  return new ProtocolFault('invalidParams', message, {
    code: 'REQUEST_MALFORMED',
    help: 'repeat the call without `requestState`; it continues the same ask if that is still open',
  });
}
