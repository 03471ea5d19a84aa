import type { Connection } from '../domain/bundle.ts';
import type { CredentialIssuer, Lease, Revocability } from '../domain/credential.ts';
import type { Run } from '../domain/run.ts';

/** An issuer whose credentials depend on what its source can do, and may die before their lease. */
export interface RenewableIssuer extends CredentialIssuer {
  /** Asked before anything is written. Throws when no credential can be had. */
  revocabilityAt(connection: Connection, run: Run): Promise<Revocability>;
  /** True when a lease's credential is not to be handed out again; its lease lives on to its end. */
  isSpent(lease: Lease, connection: Connection): boolean;
}
