import type { Connection } from '../domain/bundle.ts';
import type { Credential, CredentialIssuer } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { RenewableIssuer } from './renewable-issuer.ts';
import type { TriesParts } from './tries.ts';

/** What the desk of leases needs; given by construction. */
export interface LeasesParts extends TriesParts {
  readonly store: Store;
  readonly issuers: readonly (CredentialIssuer | RenewableIssuer)[];
  /** The connection as it is configured now; null once it was removed. */
  readonly connection: (name: string) => Promise<Connection | null>;
  readonly doors: Doors;
  /** Asked after leases were read: whose of them are to be ended here? Those of every other replica, unless said. */
  readonly whoseIsLeft?: () => Promise<(replica: string | null) => boolean>;
  /** Told to look for what works at a source and belongs to no lease. Never throws. */
  readonly strays?: () => void;
  /** Told of every credential before anybody uses it. */
  readonly minted?: (credential: Credential) => void;
}
