import type { Connection } from '../domain/bundle.ts';
import type { Credential, CredentialIssuer, Trying } from '../domain/credential.ts';
import type { Doors } from '../domain/doors.ts';
import type { Store } from '../domain/store.ts';
import type { RenewableIssuer } from './renewable-issuer.ts';

/** What the desk of leases needs; given by construction. */
export interface LeasesParts {
  readonly store: Store;
  readonly issuers: readonly (CredentialIssuer | RenewableIssuer)[];
  /** The connection as it is configured now; null once it was removed. */
  readonly connection: (name: string) => Promise<Connection | null>;
  readonly doors: Doors;
  /** Asked after leases were read: whose of them are to be ended here? Those of every other replica, unless said. */
  readonly whoseIsLeft?: () => Promise<(replica: string | null) => boolean>;
  /** One line about a source that could not be asked. Never holds a secret. */
  readonly log: (line: string) => void;
  /** Told after every try that did not end a lease. */
  readonly stuck?: (trying: Trying) => void;
  /** Told to look for what works at a source and belongs to no lease. Never throws. */
  readonly strays?: () => void;
  /** Told of every credential before anybody uses it. */
  readonly minted?: (credential: Credential) => void;
}
