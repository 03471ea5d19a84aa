import type { Connection } from '../domain/bundle.ts';
import type { Credential, SecretSource } from '../domain/credential.ts';
import { staticCredential } from './static-secret.ts';

/** Belongs to no lease: what an inspector reads a catalogue with, for an operator and never for an agent. */
const NO_LEASE = '';

/**
 * The credential of a connection outside any run. Null where it needs none. Throws SECRET_MISSING, AUTHORIZATION_NEEDED.
 */
export function createReveal(
  secrets: SecretSource,
  oauth: { reveal(connection: Connection): Promise<string> },
): (connection: Connection) => Promise<Credential | null> {
  return async (connection) => {
    if (connection.issuer === 'static-secret')
      return staticCredential(secrets, connection, NO_LEASE);
    if (connection.issuer === 'oauth')
      return { kind: 'secret', leaseId: NO_LEASE, value: await oauth.reveal(connection) };
    return null;
  };
}
