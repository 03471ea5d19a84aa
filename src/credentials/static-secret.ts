import type { Connection } from '../domain/bundle.ts';
import type { Credential, CredentialIssuer, SecretSource } from '../domain/credential.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';

const LIFETIME_MS = 15 * 60_000;

/** Hands a run the stored secrets of its connection. Nothing is made at the source, so nothing can be ended there. */
export function staticSecretIssuer(secrets: SecretSource): CredentialIssuer {
  return {
    kind: 'static-secret',
    revocability: 'none',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `static:${leaseId}`,
    mint: ({ lease, connection }) => staticCredential(secrets, connection, lease.id),
    async revoke() {},
    verifyDead: async () => false,
  };
}

/** One secret, or those that a command takes in its environment, by variable. Throws SECRET_MISSING. */
export async function staticCredential(
  secrets: SecretSource,
  connection: Connection,
  leaseId: string,
): Promise<Credential> {
  const { secrets: named } = connection.settings;
  if (isJsonObject(named)) {
    const pairs = Object.entries(named).map(
      async ([variable, name]) => [variable, await secrets.reveal(String(name))] as const,
    );
    return {
      kind: 'environment',
      leaseId,
      values: Object.fromEntries(await Promise.all(pairs)),
    };
  }
  if (connection.secret === undefined)
    throw new SignalboxError('SECRET_MISSING', `connection \`${connection.name}\` names no secret`);
  return { kind: 'secret', leaseId, value: await secrets.reveal(connection.secret) };
}
