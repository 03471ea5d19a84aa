import { digestOf } from './digest.ts';
import type { JsonObject } from './json.ts';
import type { LineageRecord } from './lineage.ts';
import type { Continuation, Measured, ToolResult } from './proposal.ts';

/**
 * Life of an approval:
 *   pending → approved → used      by the action that executes it, in the transaction that records its intent
 *   pending → refused              by an operator
 *   pending | approved → expired   its time is over (nobody writes this: readers compare `expiresAt`)
 *   pending | approved → void      a halt reached it, or its rows moved before execution
 */
export type ApprovalState = 'pending' | 'approved' | 'used' | 'refused' | 'void';

/** Everything an approval covers. Change one and it is another ask. */
export interface ApprovalBinding {
  readonly runId: string;
  readonly tool: string;
  readonly toolDigest: string;
  readonly argumentsDigest: string;
  /** The resolved target: connection and environment. */
  readonly target: string;
  /** Digest of the rows as previewed, or of what a bound preview answered; `unmeasured` without either. */
  readonly preState: string;
  /** The store's halt number: a halt since then, in scope, voids it. */
  readonly halt: number;
  readonly expiresAt: number;
  readonly nonce: string;
}

export interface Approval {
  readonly id: string;
  readonly actionId: string;
  readonly agent: string;
  readonly binding: ApprovalBinding;
  readonly digest: string;
  readonly state: ApprovalState;
  readonly askedAt: number;
  readonly answeredBy: string | null;
  readonly answeredAt: number | null;
}

/** What a human sees of an ask; decrypted from the run's payloads, gone once the run is erased. */
export interface Ask {
  readonly approval: Approval;
  readonly arguments: JsonObject | null;
  /** Answers to what the target asked in an earlier round, when this call goes on from there. */
  readonly continuation: Continuation | null;
  readonly measured: Measured | null;
  /** What the preview that is bound to the tool answered; null: none is. */
  readonly shown: ToolResult | null;
  /** Where its values come from; null where its tool asks for no proofs, or once erased. */
  readonly lineage: LineageRecord | null;
  readonly runIntent: string | null;
}

export const UNMEASURED = 'unmeasured';

/** What an approval is bound to where a human was shown the answer of another tool. */
export function shownState(shown: ToolResult): string {
  return digestOf('shown', shown);
}

export function approvalDigest(binding: ApprovalBinding): string {
  return digestOf('approval', binding);
}

/** Key under which a repeat of the same proposal finds its ask. */
export function askKey(runId: string, tool: string, argumentsDigest: string): string {
  return digestOf('ask', { runId, tool, argumentsDigest });
}
