import type { CredentialIssuer } from '../../domain/credential.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import { failed } from './desk.ts';
import type { VaultDesks } from './desks.ts';
import { vaultOf } from './settings.ts';

const LIFETIME_MS = 15 * 60_000;

/**
 * A value that stands in a key-value engine (version 2), read anew for each lease. Like any fixed secret it is not made
 * here and cannot be ended here: who rotates it does so in the vault, and runs have the new one after 15 minutes.
 */
export function vaultKvIssuer(desks: VaultDesks): CredentialIssuer {
  return {
    kind: 'vault-kv',
    revocability: 'none',
    lifetimeMs: LIFETIME_MS,
    handleFor: (leaseId) => `vault-kv:${leaseId}`,
    async mint({ lease, connection }) {
      const { server, from } = vaultOf(connection);
      const path = `${String(from.mount)}/data/${String(from.path)}`;
      const answer = await desks.of(server).ask('GET', path);
      if (answer.status !== 200) throw failed(server, `gave nothing at \`${path}\``, answer);
      const outer = isJsonObject(answer.body.data) ? answer.body.data : {};
      const value = isJsonObject(outer.data) ? outer.data[String(from.field)] : undefined;
      if (typeof value !== 'string' || value === '')
        throw new SignalboxError(
          'CREDENTIAL_FAILED',
          `vault \`${server.name}\` has no text \`${String(from.field)}\` at \`${path}\``,
        );
      return { kind: 'secret', leaseId: lease.id, value };
    },
    async revoke() {},
    verifyDead: async () => false,
  };
}
