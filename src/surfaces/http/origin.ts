import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** The listener as this caller named it; the listener has refused every name that is not its own. */
export function originOf(request: IncomingMessage): string {
  const scheme = (request.socket as TLSSocket).encrypted === true ? 'https' : 'http';
  return `${scheme}://${request.headers.host ?? ''}`;
}
