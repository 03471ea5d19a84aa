import { digestOf } from '../../domain/digest.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { Envelope } from '../../protocols/mcp/envelope.ts';
import { ProtocolFault } from '../../protocols/mcp/faults.ts';
import type { Id, Request } from '../../protocols/mcp/message.ts';
import type { RequestState, StateSeal } from '../../protocols/mcp/request-state.ts';

/** One `tools/call`, read and checked; what it asks for is still only a proposal. */
export interface ToolCall {
  readonly id: Id;
  readonly runId: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly envelope: Envelope;
  readonly traceparent: string | null;
  readonly signal: AbortSignal;
  /** The ask that this call continues. */
  readonly continues: RequestState | null;
  /** The client's human does not want to wait any longer. Nobody on the agents' side can approve. */
  readonly givesUp: boolean;
}

const MAX_NAME = 128;

/** Name and arguments of a `tools/call`. Throws ProtocolFault. */
export function readParams({ params }: Request): { tool: string; arguments: JsonObject } {
  const { name, arguments: given = {} } = params;
  if (typeof name !== 'string' || name.length === 0 || name.length > MAX_NAME)
    throw invalid(`expected \`name\` to be a text of 1 to ${MAX_NAME} characters`);
  if (!isJsonObject(given)) throw invalid('expected `arguments` to be an object');
  return { tool: name, arguments: given };
}

/**
 * The ask that a retry continues. Throws ProtocolFault unless the state was sealed here, for this run, tool and
 * arguments, and is in time.
 */
export function readContinuation(
  { params }: Request,
  call: { readonly runId: string; readonly tool: string; readonly arguments: JsonObject },
  seal: StateSeal,
  now: number,
): { continues: RequestState | null; givesUp: boolean } {
  const { requestState, inputResponses = {} } = params;
  if (!isJsonObject(inputResponses)) throw invalid('expected `inputResponses` to be an object');
  if (requestState === undefined) return { continues: null, givesUp: false };
  const state = typeof requestState === 'string' ? seal.open(requestState) : null;
  if (
    state === null ||
    state.runId !== call.runId ||
    state.tool !== call.tool ||
    state.argumentsDigest !== argumentsDigest(call.arguments)
  )
    throw refusedState('`requestState` was not made for this call');
  if (now >= state.expiresAt) throw refusedState('`requestState` has expired');
  const answer = inputResponses.approval;
  const givesUp =
    isJsonObject(answer) && (answer.action === 'decline' || answer.action === 'cancel');
  return { continues: state, givesUp };
}

export function argumentsDigest(given: JsonObject): string {
  return digestOf('arguments', given);
}

function invalid(message: string): ProtocolFault {
  return new ProtocolFault('invalidParams', message, { code: 'REQUEST_MALFORMED' });
}

function refusedState(message: string): ProtocolFault {
  return new ProtocolFault('invalidParams', message, {
    code: 'REQUEST_MALFORMED',
    help: 'repeat the call without `requestState`; it continues the same ask if that is still open',
  });
}
