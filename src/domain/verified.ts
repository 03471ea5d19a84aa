/** One thing that was tried at a system with a minted credential. */
export interface Probe {
  /** `read email of public.customers`. */
  readonly what: string;
  /** A tool needs it. What no tool needs must be refused. */
  readonly needed: boolean;
  readonly allowed: boolean;
  /** The system's own words. */
  readonly said: string;
}

/** What a credential can do at its system, tried with that credential. */
export interface Verified {
  readonly probes: readonly Probe[];
  /** What is allowed and no tool needs, in words; empty when least privilege holds. */
  readonly beyond: readonly string[];
  /** What the system does not bind, or adds for everybody, in words. */
  readonly notes: readonly string[];
}

/** The credential of one agent at one connection. */
export interface VerifiedGrants extends Verified {
  readonly agent: string;
  readonly connection: string;
  readonly tools: readonly string[];
  /** False as well when it could not be tried: `fault` says why. */
  readonly ok: boolean;
  readonly fault: string | null;
}
