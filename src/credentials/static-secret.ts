import type { CredentialIssuer, SecretSource } from '../domain/credential.ts';
import { SignalboxError } from '../domain/errors.ts';

const LIFETIME_MS = 15 * 60_000;

/** Hands a run the stored secret of its connection. Nothing is made at the source, so nothing can be ended there. */
export function staticSecretIssuer(secrets: SecretSource): CredentialIssuer {
  return {
    kind: 'static-secret',
    revocability: 'none',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `static:${leaseId}`,
    async mint({ lease, connection }) {
      if (connection.secret === undefined)
        throw new SignalboxError(
          'SECRET_MISSING',
          `connection \`${connection.name}\` names no secret`,
        );
      return {
        kind: 'secret',
        leaseId: lease.id,
        value: await secrets.reveal(connection.secret),
      };
    },
    async revoke() {},
    verifyDead: async () => false,
  };
}
