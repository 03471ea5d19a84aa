import type { ActionRecord } from '../domain/action-record.ts';
import type { ApprovalState } from '../domain/approval.ts';
import type { Dimension } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { HaltScope } from '../domain/halt.ts';
import type { Refused, Reservation } from '../domain/ops.ts';
import type { EventDraft } from '../ledger/events.ts';
import type { ReadRecord } from '../ledger/read-record.ts';

/*
 * What the common ops (actions.ts) stand on: the same rules over every store. Nothing here waits: SQLite reads its file,
 * PostgreSQL has locked and loaded what the whole batch needs before its first op is looked at.
 */

export interface Control {
  /** The store's halt number. */
  readonly halt: number;
  /** Digest of the active bundle. */
  readonly bundle: string;
}

/** What the store looks at of a run before it lets it do anything. */
export interface RunGate {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly agent: string;
  readonly state: 'live' | 'ended';
  readonly expires_at: number;
  readonly erased: number;
}

export interface InForce {
  readonly epoch: number;
  readonly scope: HaltScope;
}

/** What of a reservation a settlement keeps. */
export type Charge = Pick<Reservation, 'key' | 'dimension' | 'amount'>;

/** An action that came to an intent, or another that is on record. */
export interface ActionGate {
  readonly runId: string;
  readonly state: string;
  readonly halt: number | null;
  readonly reservations: readonly Charge[];
}

/** What an approval must say to cover an action. */
export interface ApprovalGate {
  readonly run_id: string;
  readonly tool: string;
  readonly tool_digest: string;
  readonly arguments_digest: string | null;
  readonly state: ApprovalState;
  readonly halt: number;
  readonly expires_at: number;
}

/** One row of usage as it now is. */
export interface Drawn {
  readonly key: string;
  readonly dimension: Dimension;
  posted: number;
  pending: number;
}

/** A row of `actions` that is new. */
export interface NewAction {
  readonly record: ActionRecord;
  readonly argumentsDigest: string | null;
  readonly state: 'open' | 'denied' | 'drafted' | 'parked';
  readonly halt: number | null;
  readonly bundle: string | null;
  readonly approvalId: string | null;
  readonly leaseId: string | null;
  readonly reservations: string;
  readonly at: number;
  readonly replica: string | null;
}

/** What stands, as this transaction sees it. */
export interface StandingFace {
  control(): Control;
  /** Halts that are not lifted. */
  haltsInForce(): readonly InForce[];
  run(id: string): RunGate | undefined;
  action(id: string): ActionGate | undefined;
  /** A new intent, or one that is running. */
  opened(id: string, action: ActionGate): void;
  closed(id: string): void;
  used(key: string, dimension: Dimension): Readonly<Drawn>;
  /** Adds to what is posted and pending; a transaction draws only once nothing of it can be refused any more. */
  draw(key: string, dimension: Dimension, posted: number, pending: number): void;
  count(runId: string, actions: 0 | 1, refused: 0 | 1): void;
}

/** The tables, as far as the common ops reach. */
export interface RowsFace {
  /** Halts raised after `epoch`, lifted or not. */
  haltsAfter(epoch: number): readonly InForce[];
  /** The run and everything above it. */
  lineOf(runId: string): readonly Pick<RunGate, 'id' | 'agent'>[];
  approval(id: string): ApprovalGate | undefined;
  useApproval(id: string, actionId: string): void;
  insertAction(action: NewAction): void;
  markAction(id: string, trace: string, leaseId: string | null): void;
  runAction(id: string): void;
  /** `isErased`: the trace goes, as nobody needs it for recovery any more. */
  closeAction(id: string, state: string, at: number, isErased: boolean): void;
}

export interface ChainsFace {
  /** Writes the record and returns its number in the chain. */
  append(draft: EventDraft): number;
  /** The same for a read, whose texts are made already. */
  appendRead(chain: string, at: number, read: ReadRecord): void;
}

/** What the common ops work on. A thrown fault or a refusal takes the op back whole; the other ops of the batch stand. */
export interface Ground {
  readonly standing: StandingFace;
  readonly rows: RowsFace;
  readonly chains: ChainsFace;
}

export function refused<Why extends string>(because: Why): Refused<Why> {
  return { ok: false, because };
}

/** A caller's mistake: the op is taken back and its promise rejects; nothing else is touched. */
export function fault(message: string): SignalboxError {
  return new SignalboxError('INTERNAL', message);
}

/** Counts and limits: whole, not negative, and exact in JavaScript and in every store. */
export function requireCount(value: number, what: string, dimension: Dimension): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw fault(
      `${what} \`${dimension}\` is \`${String(value)}\`, expected a non-negative integer`,
    );
}
