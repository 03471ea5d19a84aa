import type { JsonObject } from '../../domain/json.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { Outcome, TargetError } from '../../domain/proposal.ts';
import { missingCapability, ProtocolFault } from '../../protocols/mcp/faults.ts';
import { undeclared } from '../../protocols/mcp/questions.ts';
import {
  outcomeMembers,
  pendingFields,
  pendingMembers,
  refusalFields,
  refusalText,
} from '../../protocols/mcp/tool-results.ts';
import { invalid, type Telling } from './tool-call.ts';
import type { Turn } from './turn.ts';

/** A governed request that came to no result, in a method whose errors are JSON-RPC errors. */
export class CallFault extends Error {
  readonly error: TargetError;
  constructor(error: TargetError) {
    super(error.message);
    this.name = 'CallFault';
    this.error = error;
  }
}

type Ended = Exclude<Outcome, { kind: 'parked' }>;

/** `tools/call`: whatever Signalbox says is a result that a model can read. */
export const TOLD_AS_TOOL: Telling = {
  mayAsk: true,
  outcome(outcome, turn) {
    if (outcome.kind === 'failed' && outcome.reply !== undefined) throughTo(outcome.reply, turn);
    return outcomeMembers(outcome);
  },
  pending: pendingMembers,
  closed: (members) => members,
};

/** A call without arguments that could be any: an error of the protocol, unless more than that is against it by now. */
export function toldAsMisfit(malformed: string): Telling {
  return {
    ...TOLD_AS_TOOL,
    mayAsk: false,
    outcome(outcome, turn) {
      const reasons = outcome.kind === 'refused' ? outcome.refusal.reasons : [];
      if (reasons.some(({ check }) => check === 'loops' || check === 'halt'))
        return TOLD_AS_TOOL.outcome(outcome, turn);
      throw invalid(malformed);
    },
  };
}

/** Every other method: what is no result is a JSON-RPC error with our words in its data. */
export function toldAsMethod(
  mayAsk: boolean,
  done: (members: string, turn: Turn) => string,
  failed: (reply: TargetError, turn: Turn) => void = () => undefined,
): Telling {
  return {
    mayAsk,
    outcome(outcome, turn) {
      if (outcome.kind === 'done') return done(outcome.result.wire ?? '', turn);
      if (outcome.kind === 'failed' && outcome.reply !== undefined) {
        failed(outcome.reply, turn);
        throughTo(outcome.reply, turn);
      }
      throw new CallFault(errorOf(outcome));
    },
    pending: (pending) => {
      throw new CallFault({
        code: 409,
        message: `not executed yet: an operator has to approve it (${pending.approvalId})`,
        data: { status: 'pending', ...pendingFields(pending) },
      });
    },
    closed: (members) => {
      const { structuredContent, content } = JSON.parse(`{${members}}`) as {
        structuredContent: { signalbox: JsonObject };
        content: readonly { text: string }[];
      };
      const message = content[0]?.text ?? 'refused';
      throw new CallFault({ code: 403, message, data: structuredContent.signalbox });
    },
  };
}

function errorOf(outcome: Exclude<Ended, { kind: 'done' }>): TargetError {
  if (outcome.kind === 'refused')
    return {
      code: 403,
      message: refusalText(outcome.refusal),
      data: refusalFields(outcome.refusal, outcome.actionId),
    };
  const { content, structuredContent } = JSON.parse(`{${outcomeMembers(outcome)}}`) as {
    content: readonly { text: string }[];
    structuredContent: { signalbox: JsonObject };
  };
  return {
    code: outcome.kind === 'unknown' || outcome.kind === 'failed' ? 502 : 409,
    message: content[0]?.text ?? outcome.kind,
    data: structuredContent.signalbox,
  };
}

/** Codes that mean the request itself was wrong, at whichever hop. */
const PASSED_ON = new Set([-32602, -32603, -32002]);
const FIRST_RESERVED = -32768;
const LAST_RESERVED = -32000;
const URL_NEEDED = -32042;
const CAPABILITY_NEEDED = -32021;

/**
 * A target's own error, where it means to our client what it meant to us. Throws CallFault or ProtocolFault then;
 * returns when it is to be told in our words.
 */
function throughTo(reply: TargetError, { envelope }: Turn): void {
  if (reply.code === CAPABILITY_NEEDED) {
    // the target speaks of what we declared: said again in terms of what our client did
    const required = isJsonObject(reply.data) ? reply.data.requiredCapabilities : undefined;
    const lacking = isJsonObject(required) ? undeclaredOf(required, envelope.capabilities) : null;
    if (lacking === null) return;
    if (envelope.era === 'modern') throw missingCapability(lacking);
    return;
  }
  if (reply.code === URL_NEEDED) {
    const { elicitation } = envelope.capabilities;
    if (envelope.version === '2025-11-25' && isJsonObject(elicitation) && 'url' in elicitation)
      throw new CallFault(reply);
    return;
  }
  const own = reply.code < FIRST_RESERVED || reply.code > LAST_RESERVED;
  if (own || PASSED_ON.has(reply.code)) throw new CallFault(reply);
}

function undeclaredOf(required: JsonObject, declared: JsonObject): JsonObject | null {
  const kinds = Object.entries(required).filter(([, modes]) => isJsonObject(modes));
  return undeclared(Object.fromEntries(kinds), declared);
}

/** A resource that is not there, as each era says it. */
export function resourceGone(uri: string, { envelope }: Turn): ProtocolFault {
  return new ProtocolFault(
    envelope.era === 'modern' ? 'invalidParams' : 'resourceGone',
    'there is no such resource',
    { uri },
  );
}
