import type { Connection } from './bundle.ts';
import type { HaltScope } from './halt.ts';
import type { Run } from './run.ts';

/** What a connector logs in with. Lives in memory only; an agent never sees it. */
export type Credential =
  | {
      readonly kind: 'login';
      readonly leaseId: string;
      readonly user: string;
      readonly password: string;
    }
  | { readonly kind: 'secret'; readonly leaseId: string; readonly value: string }
  /** By name of the environment variable that carries each. */
  | {
      readonly kind: 'environment';
      readonly leaseId: string;
      readonly values: { readonly [variable: string]: string };
    };

/** What of it is secret. */
export function valuesOf(credential: Credential): readonly string[] {
  if (credential.kind === 'login') return [credential.password];
  return credential.kind === 'secret' ? [credential.value] : Object.values(credential.values);
}

/** How fast a minted credential dies when asked to. */
export type Revocability = 'instant' | 'bounded' | 'principal-wide' | 'none';

/**
 * Life of a lease: minting → live → revoking → dead. The row is durable before the mint, so a crash leaves no orphan.
 * A lease that cannot be revoked by us ends `residual`, and says so.
 */
export interface Lease {
  readonly id: string;
  readonly runId: string;
  readonly agent: string;
  readonly connection: string;
  readonly issuer: string;
  /** What the issuer calls it (a role name); not secret. */
  readonly handle: string;
  readonly revocability: Revocability;
  readonly state: 'minting' | 'live' | 'revoking' | 'dead' | 'residual';
  readonly mintedAt: number;
  readonly expiresAt: number;
}

export interface MintRequest {
  readonly lease: Lease;
  readonly connection: Connection;
  readonly run: Run;
}

/** One file per issuer under credentials/. Every method is safe to repeat. */
export interface CredentialIssuer {
  readonly kind: string;
  readonly revocability: Revocability;
  /** Milliseconds a credential of this issuer lives at most (≤ 15 min). */
  readonly lifetimeMs: number;
  /** The issuer's name for the lease, decided before minting. */
  handleFor(leaseId: string, run: Run): string;
  mint(request: MintRequest): Promise<Credential>;
  /** Asks the source to end it. Throws when the source could not be asked; the caller retries for ever. */
  revoke(lease: Lease, connection: Connection): Promise<void>;
  /** True only when the source was asked and the credential no longer works there. */
  verifyDead(lease: Lease, connection: Connection): Promise<boolean>;
  /** Handles of what works at the source and was made by this deployment, where the source can say. */
  madeAt?(connection: Connection): Promise<readonly string[]>;
  /** Ends what no lease owns; goes with `madeAt`. */
  endStray?(handle: string, connection: Connection): Promise<void>;
}

/** What became of one lease after a revocation. */
export interface LeaseReport {
  readonly lease: Lease;
  readonly dead: boolean;
  readonly ms: number;
  readonly note: string;
}

/** The broker's desk for credentials: the last moment before the effect, and the first after a halt. */
export interface CredentialDesk {
  /**
   * A working credential for this run at this connection; minted once and shared by the run's calls.
   * Null when the connection needs none.
   */
  obtain(run: Run, connection: Connection): Promise<Credential | null>;
  /** Revokes at the source and verifies every lease that matches; resolves when all are dead or residual, retrying with back-off. */
  revoke(which: (lease: Lease) => boolean): Promise<readonly LeaseReport[]>;
  /** The same for leases that were read just now. */
  revokeThese(leases: readonly Lease[]): Promise<readonly LeaseReport[]>;
  /** The same, and does not wait for the records of it: they were handed to the store before it resolves. */
  endThese(leases: readonly Lease[]): Promise<readonly LeaseReport[]>;
  /**
   * Forgets what this replica holds in scope, so that nothing goes out on it any more. Resolves when what was just being
   * minted has been ended again; all else is for `revoke`.
   */
  letGo(scope: HaltScope): Promise<void>;
  /** Revokes what outlived its time, its run or its replica; how many. From time to time. */
  sweep(): Promise<number>;
  /** The same for the leases that this process made, without asking the store: it may be away. */
  revokeKnown(which: (lease: Lease) => boolean): Promise<readonly LeaseReport[]>;
  /** Leases whose end was asked for here and is not confirmed. */
  trying(): readonly Trying[];
}

/** A revocation that goes on. */
export interface Trying {
  readonly leaseId: string;
  readonly handle: string;
  readonly connection: string;
  /** Ms since the epoch. */
  readonly since: number;
  readonly tries: number;
  /** Why the last try did not confirm it. Never holds a secret. */
  readonly why: string;
}

/** Reads named secrets of the encrypted store. The value goes into a credential and nowhere else. */
export interface SecretSource {
  /** Throws SignalboxError `SECRET_MISSING`. */
  reveal(name: string): Promise<string>;
}
