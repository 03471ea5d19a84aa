import type { ActionRecord } from './action-record.ts';
import type { Approval } from './approval.ts';
import type { Bundle } from './bundle.ts';
import type { ClaimTake } from './claim.ts';
import type { Lease } from './credential.ts';
import type { Dimension, EffectVector } from './effect.ts';
import type { Halt, HaltScope, Stamp } from './halt.ts';
import type { JsonObject } from './json.ts';
import type { Measured, Settlement, ToolResult } from './proposal.ts';
import type { LiveRun, Run } from './run.ts';
import type { RunSay } from './run-say.ts';
import type { RunRefund, RunSpend } from './spend.ts';

/** The small transactions of the store. Each is atomic on its own; many share one durable commit. `at`: ms since the epoch. */
export type Op =
  | BundleApply
  | RunBegin
  | RunEnd
  | RunSay
  | RunSpend
  | RunRefund
  | ActionAdmit
  | ActionMark
  | ActionSettle
  | ActionDecline
  | ActionPark
  | ApprovalAnswer
  | ApprovalVoid
  | HaltRaise
  | HaltInert
  | HaltLift
  | LeaseWrite
  | TokenIssue
  | TokenRenew
  | TokenRevoke
  | AgentEnrol
  | OperatorAdd
  | SecretSet
  | SecretForget
  | LedgerErase
  | DrillBegin
  | DrillKeep
  | LedgerSeal
  | ClaimTake
  | SystemNote;

/** `bundle.apply`: refused `moved` when the active bundle is no longer `expected`. System chain. */
export interface BundleApply {
  readonly kind: 'bundle.apply';
  readonly bundle: Bundle;
  readonly expected: string;
  readonly widenings: readonly string[];
  readonly by: string;
  readonly at: number;
}

/**
 * A sub-run: `over` when its parent is not live and in time, `full` when its tree has as many live sub-runs as it may;
 * one that would be more than its parent (`widening` in run.ts) is a fault of the caller.
 */
export interface RunBegin {
  readonly kind: 'run.begin';
  readonly run: Run;
  /** Who begins it; filled in by the store. */
  readonly replica?: string;
  readonly at: number;
}

/** Ends the run and every run under it, their tokens and their open asks. */
export interface RunEnd {
  readonly kind: 'run.end';
  readonly runId: string;
  readonly why: string;
  readonly at: number;
}

/** One limit drawn on: refused `short` unless posted + pending + amount ≤ limit, for every one. */
export interface Reservation {
  readonly key: string;
  readonly dimension: Dimension;
  readonly amount: number;
  readonly limit: number;
}

/**
 * Records the intent: validates the stamp and the run, reserves, uses the approval; all or nothing.
 * With `outcome` (reads only) intent and outcome share the commit.
 */
export interface ActionAdmit {
  readonly kind: 'action.admit';
  readonly action: ActionRecord;
  readonly stamp: Stamp;
  readonly scopes: readonly HaltScope[];
  readonly reservations: readonly Reservation[];
  readonly approvalId: string | null;
  readonly leaseId: string | null;
  readonly outcome: { readonly settlement: Settlement; readonly posted: EffectVector } | null;
  /** Whose intent it is while it has no outcome; filled in by the store. */
  readonly replica?: string;
  readonly at: number;
}

/** Makes the flight's trace (and what it measured) durable before `finish`. Refused `halted` when a halt came since admission. */
export interface ActionMark {
  readonly kind: 'action.mark';
  readonly actionId: string;
  readonly runId: string;
  readonly trace: JsonObject;
  readonly measured: EffectVector | null;
  readonly leaseId: string | null;
  readonly scopes: readonly HaltScope[];
  readonly at: number;
}

/**
 * Outcome of an intent, once (`settled` when it already has one). done: posts `posted`, or the whole reservation when
 * that is null; failed and refused: void;
 * unknown: posts the whole reservation, the worst that can have happened; running: stays pending.
 */
export interface ActionSettle {
  readonly kind: 'action.settle';
  readonly actionId: string;
  readonly runId: string;
  readonly settlement: Settlement;
  readonly posted: EffectVector | null;
  readonly measured: Measured | null;
  /** `act`, or `recover` after a crash. */
  readonly by: 'act' | 'recover';
  readonly at: number;
}

/** A proposal that was denied or drafted: a record, no intent, no reservation. */
export interface ActionDecline {
  readonly kind: 'action.decline';
  readonly action: ActionRecord;
  readonly as: 'denied' | 'drafted';
  readonly measured: Measured | null;
  readonly at: number;
}

/** A proposal that waits for a human. `preview` names the preview action it was measured by. */
export interface ActionPark {
  readonly kind: 'action.park';
  readonly action: ActionRecord;
  readonly approval: Approval;
  readonly askKey: string;
  readonly measured: Measured | null;
  readonly previewActionId: string | null;
  /** What the bound preview answered. */
  readonly shown?: ToolResult;
  readonly at: number;
}

/** An operator's answer; refused unless pending and not expired. `because` is kept. */
export interface ApprovalAnswer {
  readonly kind: 'approval.answer';
  readonly approvalId: string;
  readonly answer: 'approved' | 'refused';
  readonly by: string;
  readonly because: string;
  readonly at: number;
}

export interface ApprovalVoid {
  readonly kind: 'approval.void';
  readonly approvalId: string;
  readonly because: string;
  readonly at: number;
}

/** Raises the halt number; voids open asks and revokes run tokens in scope, in the same transaction. System chain. */
export interface HaltRaise {
  readonly kind: 'halt.raise';
  readonly scope: HaltScope;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
}

/** What lived when a halt came into force, in its scope or not. */
export interface Alive {
  readonly runs: readonly LiveRun[];
  /** Credentials that are not known to be dead, by id. */
  readonly leases: readonly (Lease & { readonly replica: string | null })[];
  /** Runs of such credentials that are over. */
  readonly ended: readonly LiveRun[];
}

export interface HaltInert {
  readonly kind: 'halt.inert';
  readonly scope: HaltScope;
  readonly epoch: number;
  /** The leases that it ended, by id: refused unless the store has each of them as over. */
  readonly leases: readonly string[];
  /** Refused while the store heard of another replica within so many ms that has not said that this halt landed there. */
  readonly heardMs: number;
  readonly report: JsonObject;
  readonly at: number;
  /** Who says so; filled in by the store. */
  readonly replica?: string;
}

/** Lifts the halt on exactly this scope; raises the halt number too. Old run tokens stay revoked. */
export interface HaltLift {
  readonly kind: 'halt.lift';
  readonly scope: HaltScope;
  readonly reason: string;
  readonly by: string;
  /** Halts on this scope up to this number only: one that was raised since was not looked at. All, if absent. */
  readonly upTo?: number;
  /** The only operator lifted an own halt; recorded. */
  readonly alone?: boolean;
  readonly at: number;
}

export interface LeaseWrite {
  readonly kind: 'lease.write';
  readonly lease: Lease;
  readonly note: string;
  /** Who writes it: the first one's it is. Filled in by the store. */
  readonly replica?: string;
  readonly at: number;
}

/** `hash` is the SHA-256 of the token; the token itself is never stored. */
export interface TokenRow {
  readonly hash: string;
  readonly kind: 'run' | 'agent' | 'operator' | 'session' | 'setup';
  /** Run id, agent name or operator name. */
  readonly subject: string;
  readonly expiresAt: number;
  readonly revoked: boolean;
}

export interface TokenIssue {
  readonly kind: 'token.issue';
  readonly token: TokenRow;
  readonly at: number;
}

export interface TokenRenew {
  readonly kind: 'token.renew';
  readonly hash: string;
  readonly expiresAt: number;
  readonly at: number;
}

export interface TokenRevoke {
  readonly kind: 'token.revoke';
  readonly hash: string;
  readonly at: number;
}

/** Adds an agent secret (its hash). System chain. */
export interface AgentEnrol {
  readonly kind: 'agent.enrol';
  readonly agent: string;
  readonly token: TokenRow;
  readonly by: string;
  readonly at: number;
}

/** Uses the setup code up (`used` when it is gone) and adds the operator with a key. System chain. */
export interface OperatorAdd {
  readonly kind: 'operator.add';
  readonly operator: string;
  readonly role: 'owner' | 'operator';
  readonly token: TokenRow;
  readonly setupHash: string;
  readonly at: number;
}

/** `sealed` is already encrypted. System chain keeps name and version only. */
export interface SecretSet {
  readonly kind: 'secret.set';
  readonly name: string;
  readonly sealed: string;
  /** Only in the place of this version, 0 for none: whoever read another one is told. Whatever there is, if absent. */
  readonly over?: number;
  readonly by: string;
  readonly at: number;
}

/** Takes the secret out. One that is not there is forgotten already: nothing is recorded. System chain. */
export interface SecretForget {
  readonly kind: 'secret.forget';
  readonly name: string;
  readonly by: string;
  readonly at: number;
}

/** Destroys the run's payload key and payloads; the chain stays. System chain. */
export interface LedgerErase {
  readonly kind: 'ledger.erase';
  readonly runId: string;
  readonly reason: string;
  readonly by: string;
  readonly at: number;
}

/**
 * A drill is about to halt an agent. Refused `running` while another one is under way, `recent` when one began at or after
 * `notSince`: of replicas that all see that it is time, one drills. System chain.
 */
export interface DrillBegin {
  readonly kind: 'drill.begin';
  readonly id: string;
  readonly agent: string;
  readonly by: string;
  readonly notSince: number | null;
  readonly at: number;
}

/** What a drill found: `report` byte by byte as it was signed. Refused `missing` unless it began and has no report. System chain. */
export interface DrillKeep {
  readonly kind: 'drill.keep';
  readonly id: string;
  readonly ok: boolean;
  readonly report: string;
  readonly signature: string | null;
  readonly at: number;
}

/**
 * Puts committed records that are not in the tree yet into it, `most` at most, and makes the ledger's key when there is
 * none. Signs a checkpoint when no record is left, or at once with `sign`. Refused `elsewhere` while another replica seals.
 */
export interface LedgerSeal {
  readonly kind: 'ledger.seal';
  readonly most: number;
  readonly sign: boolean;
  readonly at: number;
}

/** A fact for the system chain that changes no table (start, recovery, overload). */
export interface SystemNote {
  readonly kind: 'system.note';
  readonly type: string;
  readonly body: JsonObject;
  readonly at: number;
}

export type Refused<Why extends string> = { readonly ok: false; readonly because: Why };
export type Ok<Extra = object> = { readonly ok: true } & Extra;

/** The answer of each op. A refused op changed nothing. */
export interface OpResults {
  'bundle.apply': Ok | Refused<'moved'>;
  'run.begin': Ok | Refused<'halted' | 'over' | 'full'>;
  /** `ended`: every run that was live, those under others first. */
  'run.end': Ok<{ readonly ended: readonly string[] }> | Refused<'over'>;
  'run.say': Ok | Refused<'over'>;
  /** `over`: what went beyond a limit that was used up. */
  'run.spend': Ok<{ readonly over: boolean }> | Refused<'short' | 'run-over'>;
  'run.refund': Ok;
  'action.admit': Ok | Refused<'stale' | 'short' | 'run-over' | 'approval-gone'>;
  'action.mark': Ok | Refused<'halted' | 'settled'>;
  'action.settle': Ok | Refused<'settled'>;
  'action.decline': Ok | Refused<'run-over'>;
  /** `open`: the same proposal is already parked; its approval id comes back. */
  'action.park':
    | Ok
    | Refused<'stale' | 'run-over'>
    | (Refused<'open'> & { readonly approvalId: string });
  'approval.answer':
    | Ok<{ readonly approval: Approval }>
    | Refused<'missing' | 'answered' | 'expired' | 'void'>;
  'approval.void': Ok | Refused<'closed'>;
  'halt.raise': Ok<{
    readonly halt: Halt;
    readonly voided: readonly string[];
    readonly tokens: number;
    readonly alive: Alive;
  }>;
  'halt.inert': Ok | Refused<'moved' | 'alive' | 'flying'>;
  'halt.lift': Ok<{ readonly halt: Halt }> | Refused<'missing'>;
  /** `halted`: nothing may be minted under a halt in scope. */
  'lease.write': Ok | Refused<'halted'>;
  'token.issue': Ok;
  'token.renew': Ok | Refused<'revoked'>;
  'token.revoke': Ok;
  'agent.enrol': Ok;
  'operator.add': Ok | Refused<'used' | 'exists'>;
  'secret.set': Ok<{ readonly version: number }> | Refused<'moved'>;
  'secret.forget': Ok<{ readonly existed: boolean }>;
  'ledger.erase': Ok<{ readonly payloads: number }> | Refused<'missing'>;
  'drill.begin': Ok | Refused<'running' | 'recent'>;
  'drill.keep': Ok | Refused<'missing'>;
  'claim.take': Ok | Refused<'taken'>;
  /** `checkpoint`: the note, when one was signed. It may leave: what it says is durable. */
  'ledger.seal':
    | Ok<{ readonly sealed: number; readonly left: number; readonly checkpoint: string | null }>
    | Refused<'elsewhere'>;
  'system.note': Ok;
}

export type ResultOf<O extends Op> = OpResults[O['kind']];
