import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { SecretVault } from './secrets.ts';

/** Who writes when no human does. */
const SELF = 'signalbox';

/**
 * What a lease's end needs to know, sealed beside the secrets: a token that can only be ended by showing it outlives the
 * process that got it. Written before the token is handed out, forgotten when it is confirmed dead.
 */
export interface LeaseKeep {
  /** Durable when it resolves. */
  keep(leaseId: string, what: JsonObject): Promise<void>;
  /** Null when nothing was kept: then nothing was handed out. */
  kept(leaseId: string): Promise<JsonObject | null>;
  drop(leaseId: string): Promise<void>;
}

export function createLeaseKeep(vault: SecretVault): LeaseKeep {
  return {
    keep: (leaseId, what) => vault.keep(nameOf(leaseId), JSON.stringify(what), SELF),
    async kept(leaseId) {
      const text = await vault.kept(nameOf(leaseId));
      if (text === null) return null;
      const value: unknown = JSON.parse(text);
      return isJsonObject(value) ? value : null;
    },
    drop: (leaseId) => vault.drop(nameOf(leaseId), SELF),
  };
}

/** No name that an operator can give has a colon. */
function nameOf(leaseId: string): string {
  return `lease:${leaseId}`;
}
