import { ERRORS, exposed, type SignalboxError } from '../../domain/errors.ts';
import type { Exchange } from '../http/listener.ts';

/** The `error` values of RFC 6749 §5.2, RFC 8693 §2.2.2 and RFC 9396 §5 that are used here. */
type OAuthError =
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable';

/** A request that is refused in the terms of OAuth before anybody else has a word for it. */
export class OAuthFault extends Error {
  readonly error: OAuthError;

  constructor(error: OAuthError, message: string) {
    super(message);
    this.name = 'OAuthFault';
    this.error = error;
  }
}

/** Answers with the fault. What is a fault of ours is thrown on, to be told by the listener as everywhere. */
export function refuse(exchange: Exchange, fault: unknown): void {
  const { error, code, message, help } = read(fault);
  const status = error === 'temporarily_unavailable' ? ERRORS[code].status : 400;
  if (status === 429) throw fault; // the listener counts what it refuses for want of room
  exchange.reply(
    status,
    { error, error_description: described(message), code, help },
    { pragma: 'no-cache' },
  );
}

function read(fault: unknown): Pick<SignalboxError, 'code' | 'message' | 'help'> & {
  readonly error: OAuthError;
} {
  if (fault instanceof OAuthFault) {
    const code = 'REQUEST_MALFORMED';
    return { error: fault.error, code, message: fault.message, help: ERRORS[code].fix };
  }
  const told = exposed(fault);
  if (told.code === 'INTERNAL') throw fault;
  const { code, message, help } = told;
  return { error: errorOf(told), code, message, help };
}

/** A token that is bad, or unacceptable by policy, is `invalid_request` (RFC 8693 §2.2.2). */
function errorOf({ code, status }: SignalboxError): OAuthError {
  if (code === 'DELEGATION_WIDENS') return 'invalid_authorization_details';
  return status >= 500 || status === 429 ? 'temporarily_unavailable' : 'invalid_request';
}

/** RFC 6749 allows printable ASCII without `"` and `\`. */
function described(message: string): string {
  return message.replaceAll('"', "'").replaceAll(/[^\x20-\x5b\x5d-\x7e]/g, '?');
}
