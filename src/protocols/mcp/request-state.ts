import type { Entropy } from '../../domain/doors.ts';
import type { Continuation } from '../../domain/proposal.ts';
import { createSeal } from './seal.ts';

/** What a call that was not answered yet carries to its own retry. All of it is compared there: the client is not to be trusted with it. */
export interface RequestState {
  readonly runId: string;
  readonly tool: string;
  readonly argumentsDigest: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** How often the client was sent away with it already. */
  readonly rounds: number;
  /** Answers that the call itself goes on with, from rounds before this one. */
  readonly continuation: Continuation | null;
  readonly waits: Waits;
}

/** What the call waits for: an operator, the client's own answers to its target, or those to a call still in the air here. */
export type Waits =
  | {
      readonly for: 'approval';
      readonly approvalId: string;
      readonly actionId: string;
      readonly previewed: boolean;
    }
  | { readonly for: 'answers'; readonly state: string | null; readonly once: string }
  | { readonly for: 'held'; readonly call: string; readonly round: number };

/** Seals what travels through the client as `requestState`, so that it can be neither read nor changed there. */
export interface StateSeal {
  seal(state: RequestState): string;
  /** Null for anything that was not sealed here. Binding and expiry are for the caller to compare. */
  open(sealed: string): RequestState | null;
}

/** An upstream's own state travels inside. */
const MAX_LENGTH = 65_536;

/** `key`: 32 bytes, shared by all replicas. */
export function createStateSeal(key: Uint8Array, entropy: Entropy): StateSeal {
  const seal = createSeal(key, 'signalbox/mcp/request-state/2', MAX_LENGTH, entropy);
  return {
    seal: (state) => seal.seal(state),
    open: (sealed) => seal.open(sealed) as RequestState | null,
  };
}
