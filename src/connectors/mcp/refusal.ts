import type { Redact } from '../../boundary/redact.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { readHeard } from '../../protocols/mcp/upstream-message.ts';
import { type Reply, WireFault } from './wire.ts';

const MAX_SAID = 300;

/** An HTTP answer with a status that is no success, to the request with this id. */
export interface Refusal {
  readonly place: string;
  readonly id: number;
  readonly status: number;
  readonly text: string;
  readonly redact: Redact;
  /** It was sent in a session that the server had named. */
  readonly inSession: boolean;
}

/** What it means: the protocol's own error, or only a status. */
export function readRefusal(refusal: Refusal): Reply | WireFault {
  const { place, id, status, text, redact, inSession } = refusal;
  if (status === 401 || status === 403)
    return new WireFault(
      'CREDENTIAL_REFUSED',
      `\`${place}\` did not take the credential (${status})`,
      false,
      { status },
    );
  if (status === 404 && inSession)
    return new WireFault('CONNECTOR_REFUSED', `\`${place}\` ended its session`, false, {
      status,
      kind: 'session',
    });
  const error = status < 500 ? errorIn(text, id) : null;
  if (error !== null) return error;
  const said =
    status >= 300 && status < 400
      ? 'a redirect, which is not followed'
      : redact(text).replaceAll(/\s+/g, ' ').trim().slice(0, MAX_SAID).toWellFormed();
  const words = `\`${place}\` answered ${status}${said === '' ? '' : `: ${said}`}`;
  return new WireFault('CONNECTOR_REFUSED', words, !surelyRefused(status), { status });
}

function errorIn(text: string, id: number): Reply | null {
  try {
    const heard = readHeard(text);
    if (heard.kind !== 'error' || (heard.id !== null && heard.id !== id)) return null;
    return { error: heard.error };
  } catch {
    return null;
  }
}

/** 408: the server or a proxy stopped waiting, perhaps after acting. 307 and 308 ask to be sent again, elsewhere. */
function surelyRefused(status: number): boolean {
  if (status === 408 || status === 499) return false;
  return (status >= 400 && status < 500) || status === 307 || status === 308 || status === 501;
}

/** No answer because of the way there. `sent`: the request had left. */
export function faultOfTransport(error: Error, place: string, sent: boolean): WireFault {
  if (error instanceof SignalboxError) {
    const kind = error.code === 'CONNECTOR_UNREACHABLE' ? 'connection' : 'other';
    return new WireFault(error.code, error.message, sent, { kind });
  }
  const code = codeOf(error);
  const words = sent
    ? `the connection to \`${place}\` was lost before an answer came (${code})`
    : `\`${place}\` cannot be reached (${code})`;
  return new WireFault('CONNECTOR_UNREACHABLE', words, sent, { kind: 'connection' });
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown fault';
}
