import { TooDeep } from '../../boundary/each-text.ts';
import type { Redact } from '../../boundary/redact.ts';
import { type Call, ConnectorFailure } from '../../domain/connector.ts';
import type { TargetError } from '../../domain/proposal.ts';
import { cleanedWords } from './clean.ts';
import { WireFault } from './wire.ts';

/** JSON-RPC errors by which a server says that it never began. */
const NEVER_BEGAN = new Set([-32700, -32600, -32601, -32602, -32020, -32021, -32022]);
const MAX_SAID = 500;

/** What a fault on the wire means for a call. A read never leaves anything open. */
export function failureOf(
  { code, message, sent }: WireFault,
  { tool }: Call,
  refusal: ConnectorFailure | null,
): ConnectorFailure {
  const effect = sent && tool.effect !== 'read' ? 'unknown' : 'none';
  // the caller's side ended it; a write that was under way stays open whatever it said
  if (refusal !== null) return new ConnectorFailure(refusal.code, refusal.message, effect);
  return new ConnectorFailure(code, message, effect);
}

/** The server's own error, which its callers get as it is. */
export function failureOfReply(
  error: TargetError,
  { tool, connection }: Call,
  redact: Redact,
): ConnectorFailure {
  const none = tool.effect === 'read' || NEVER_BEGAN.has(error.code);
  const reply = cleanReply(error, redact);
  const words = `\`${connection.name}\` answered ${reply.code}: ${reply.message.slice(0, MAX_SAID)}`;
  return new ConnectorFailure(
    'CONNECTOR_REFUSED',
    words.toWellFormed(),
    none ? 'none' : 'unknown',
    reply,
  );
}

const CAPABILITY_NEEDED = -32021;

/**
 * An older server asked its caller what that one cannot be asked, and then gave up: what it lacks is said as servers of
 * the modern revision say it. Whether something happened is still the word of the server's own error.
 */
export function failureOfLacking(
  { code, message, effect }: ConnectorFailure,
  lacking: readonly string[],
): ConnectorFailure {
  const requiredCapabilities = Object.fromEntries(lacking.map((kind) => [kind, {}]));
  const words = `the caller lacks what this needs: ${[...new Set(lacking)].join(', ')}`;
  return new ConnectorFailure(code, message, effect, {
    code: CAPABILITY_NEEDED,
    message: words,
    data: { requiredCapabilities },
  });
}

function cleanReply({ code, message, data }: TargetError, redact: Redact): TargetError {
  const said = cleanedWords(message, redact);
  try {
    return {
      code,
      message: said,
      ...(data === undefined ? {} : { data: cleanedWords(data, redact) }),
    };
  } catch (error) {
    if (error instanceof TooDeep) return { code, message: said };
    throw error;
  }
}

/** A fault while a session was being opened: whatever was sent then, it was nothing of a call. */
export function nothingSent(error: unknown): unknown {
  return error instanceof WireFault
    ? new ConnectorFailure(error.code, error.message, 'none')
    : error;
}
