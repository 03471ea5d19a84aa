import type { Resolve } from '../boundary/egress.ts';
import type { CredentialIssuer } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import { githubAppIssuer } from './github-app.ts';
import { createLeaseKeep } from './lease-keep.ts';
import { createUpstreamOAuth, type UpstreamOAuth } from './oauth/upstream.ts';
import { OutwardPool } from './outward.ts';
import { postgresRoleIssuer, type RoleServer } from './postgres-role.ts';
import type { Secrets } from './secrets.ts';
import { staticSecretIssuer } from './static-secret.ts';
import { vaultDatabaseIssuer } from './vault/database.ts';
import { VaultDesks } from './vault/desks.ts';
import { vaultKvIssuer } from './vault/kv.ts';

export interface IssuersParts {
  readonly secrets: Secrets;
  readonly store: Pick<Store, 'commit' | 'run' | 'haltState' | 'secretNames'>;
  readonly roles: RoleServer;
  readonly doors: Doors;
  /** Told of what issuers give us besides leases. */
  readonly known?: { add(value: string): void };
  /** See `postgresRoleIssuer`. */
  readonly tag?: string;
  /** The text of a small file on this machine. */
  readonly readText: (path: string) => Promise<string>;
  readonly resolve?: Resolve;
}

/** Everybody who makes credentials, over one guarded way out. */
export interface Issuers {
  readonly all: readonly CredentialIssuer[];
  readonly oauth: UpstreamOAuth;
  close(): Promise<void>;
}

export function createIssuers(parts: IssuersParts): Issuers {
  const { secrets, store, roles, doors, readText } = parts;
  const { clock } = doors;
  const resolve = parts.resolve === undefined ? {} : { resolve: parts.resolve };
  const outward = new OutwardPool(doors.timers, parts.resolve);
  const keep = createLeaseKeep(secrets);
  const desks = new VaultDesks({ secrets, outward, clock, readText, known: parts.known });
  const oauth = createUpstreamOAuth({ secrets, store, doors, ...resolve });
  return {
    all: [
      postgresRoleIssuer(roles, doors, parts.tag),
      staticSecretIssuer(secrets),
      oauth.issuer,
      githubAppIssuer({ secrets, keep, outward, clock }),
      vaultDatabaseIssuer({ desks, keep, server: roles }),
      vaultKvIssuer(desks),
    ],
    oauth,
    async close() {
      await Promise.all([oauth.close(), outward.close()]);
    },
  };
}
