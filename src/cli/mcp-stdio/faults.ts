import { type ErrorCode, SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Refused } from './exchange.ts';

/** With these nothing was sent: no connection ever came to be. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** What went wrong with one request, as JSON-RPC says it: always with a stable code. */
export function errorOf(fault: unknown, method: string | null): JsonObject {
  if (fault instanceof Refused) return fault.error;
  const known = fault instanceof SignalboxError ? fault : null;
  if (known !== null && known.code !== 'UNREACHABLE') return worded(known);
  // the records of the gateway know how a call ended whose answer was lost; this end of the line does not
  const lost = method === 'tools/call' && (known !== null || !NEVER_SENT.has(causeOf(fault)));
  const code: ErrorCode = lost ? 'OUTCOME_UNKNOWN' : 'UNREACHABLE';
  const message = known?.message ?? wordsOf(fault);
  return worded(
    lost
      ? new SignalboxError(code, message, { help: LOST })
      : (known ?? new SignalboxError(code, message)),
  );
}

const LOST =
  'the call was on its way when the answer was lost: `signalbox run show` tells how it ended; look there before repeating it';

/** What was no request that could be carried. */
export function malformed(rpc: number, message: string): JsonObject {
  return worded(new SignalboxError('REQUEST_MALFORMED', message), rpc);
}

export function tooLong(limit: number): JsonObject {
  return worded(
    new SignalboxError('REQUEST_TOO_LARGE', `the message is longer than ${limit} bytes`),
  );
}

function worded(error: SignalboxError, rpc = error.status): JsonObject {
  return { code: rpc, message: error.message, data: { code: error.code, help: error.help } };
}

function causeOf(fault: unknown): string {
  const cause = fault instanceof Error ? fault.cause : undefined;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'connection failed';
}

export function wordsOf(fault: unknown): string {
  if (fault instanceof SignalboxError || fault instanceof Refused) return fault.message;
  return `no answer from the agents address (${causeOf(fault)})`;
}
