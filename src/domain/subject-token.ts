import type { Bundle } from './bundle.ts';

/** Whose tokens prove the user an agent acts for, and for whom they must have been issued. */
export interface SubjectTokenRules {
  /** `iss`, compared as text. */
  readonly issuer: string;
  /** Where its keys are published (a JWKS). */
  readonly jwks: string;
  /** `aud` of tokens for this agent and no other. */
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** The claim that names the user as `users` has it. */
  readonly claim: string;
  readonly skewSeconds: number;
  /** How old a token may be, by its `iat`. */
  readonly maxAgeSeconds: number;
  readonly allowPrivate: boolean;
  /** False: what the agent says without a token is believed too. */
  readonly required: boolean;
}

/** Signatures by a public key. None, and everything made with a shared secret, is out of the question. */
export const SUBJECT_ALGORITHMS = [
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
  ...['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'],
] as const;

/** A user that an identity provider vouches for. */
export interface ProvenSubject {
  readonly user: string;
  readonly issuer: string;
}

/** Throws SUBJECT_TOKEN: it proves nothing to this agent. */
export interface SubjectTokens {
  proven(token: string, agent: string, bundle: Bundle): Promise<ProvenSubject>;
}
