import type { Connection } from './bundle.ts';
import type { Trying } from './credential.ts';

/** What a user authorized for us at an upstream, sealed here: tokens for the runs on its behalf are made from it. */
export interface UserGrant {
  /** No secret: `oauth-grant:CONNECTION:USER`. */
  readonly handle: string;
  readonly connection: Connection;
  /** Null: the connection's own, which all runs share; only `connection forget` ends that. */
  readonly user: string | null;
}

/** What became of one. */
export interface GrantEnd {
  readonly grant: UserGrant;
  /** `dead`: its server no longer takes it. `residual`: its server cannot be asked to end it. */
  readonly state: 'dead' | 'residual' | 'ending';
  readonly ms: number;
  /** Never holds a secret. */
  readonly note: string;
}

/** The desk for them. A grant that is taken out is gone for good: after the halt its user authorizes anew. */
export interface GrantDesk {
  /** Those at these connections that were given up to then, and those that are being ended. Ms since the epoch. */
  held(connections: readonly Connection[], until: number): Promise<readonly UserGrant[]>;
  /**
   * Takes them out, so that no token comes of them, and asks their servers, refresh token first, until each is found dead
   * or cannot be ended. Grants that were given after `until` stay.
   */
  end(grants: readonly UserGrant[], until: number): Promise<readonly GrantEnd[]>;
  /** Goes on with what a process that is gone, or a forgotten connection, left half ended; waits for nothing. */
  sweep(connections: () => Promise<readonly Connection[]>): Promise<void>;
  trying(): readonly Trying[];
  close(): void;
}

/** Where no user grants anything. */
export const NO_GRANTS: GrantDesk = {
  held: async () => [],
  end: async () => [],
  sweep: async () => {},
  trying: () => [],
  close: () => {},
};
