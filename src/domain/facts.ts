import type { Approval } from './approval.ts';
import type { Bundle, Connection, Tool } from './bundle.ts';
import type { ConsultAnswer } from './consult.ts';
import type { Dimension } from './effect.ts';
import type { Halt, HaltScope, Stamp } from './halt.ts';
import type { JsonObject } from './json.ts';
import type { LineageFacts } from './lineage.ts';
import type { Firing } from './loops.ts';
import type { Rung } from './mode.ts';
import type { PolicyRuling } from './policy.ts';
import type { Continuation, Measured } from './proposal.ts';
import type { Run } from './run.ts';

/** One limit this action would draw on: `posted + pending + asked ≤ limit` must hold. */
export interface LimitFact {
  readonly key: string;
  readonly dimension: Dimension;
  readonly limit: number;
  readonly posted: number;
  readonly pending: number;
}

/** What is left of a limit before this action. */
export function left({ limit, posted, pending }: LimitFact): number {
  return Math.max(0, limit - posted - pending);
}

/** Everything the judge may look at: one snapshot, one clock reading. Typed and required; absence is said by null. */
export interface Facts {
  readonly now: number;
  readonly stamp: Stamp;
  readonly bundle: Bundle;
  readonly run: Run | null;
  readonly halts: readonly Halt[];
  /** Halted credentials that this run had at this connection, as scopes: it gets no other there. */
  readonly haltedCredentials: readonly HaltScope[];
  readonly toolName: string;
  readonly tool: Tool | null;
  readonly connection: Connection | null;
  /** min(bundle, ladder state); null without a grant. */
  readonly rung: Rung | null;
  readonly arguments: JsonObject;
  readonly argumentsDigest: string;
  readonly continuation: Continuation | null;
  /** What these arguments of a foreign tool ask to take away that people recover with; null: nothing known. */
  readonly removes: string | null;
  /** What the input schema says against the arguments; empty when they fit. */
  readonly inputProblems: readonly string[];
  readonly limits: readonly LimitFact[];
  /** The open ask of this very proposal, if any. */
  readonly approval: Approval | null;
  /** An earlier action with the same tool and arguments in this run tree whose outcome is unknown. */
  readonly unknownRepeat: string | null;
  /** What the bundle's policies say of this, measured or not; null: they were not asked. */
  readonly policy: PolicyRuling | null;
  /** What those outside said who were asked about it; empty where nobody is to be asked, or was not asked yet. */
  readonly consulted: readonly ConsultAnswer[];
  /** What the loop detectors saw; empty when nothing. */
  readonly firings: readonly Firing[];
  /** Where the arguments come from and what they carry; null: this tool declares nothing that needs a proof. */
  readonly lineage: LineageFacts | null;
  /** Present on the second judgement: what the flight measured before commit. */
  readonly measured: Measured | null;
}
