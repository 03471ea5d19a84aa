import type { ActionRecord } from '../domain/action-record.ts';
import type { Verdict } from '../domain/decision.ts';
import type { EffectVector } from '../domain/effect.ts';
import type {
  ActionAdmit,
  ActionDecline,
  ActionMark,
  ActionPark,
  ActionSettle,
} from '../domain/ops.ts';
import type { Measured, Settlement } from '../domain/proposal.ts';
import type { EventDraft } from './events.ts';

/** What the action has reserved, and what of it was spent. Pure: op in, records out. */

export function intentRecorded(op: ActionAdmit): EventDraft[] {
  const { action } = op;
  const { verdicts } = action.decision;
  const others = verdicts.filter((verdict) => !hasPassed(verdict));
  const intent: EventDraft = {
    chain: action.runId,
    type: 'action.intent',
    at: op.at,
    body: {
      ...proposed(action, others),
      passed: passedOf(verdicts),
      stamp: op.stamp,
      reservations: op.reservations,
      approval: op.approvalId,
      lease: op.leaseId,
      ...(op.replica === undefined ? {} : { replica: op.replica }),
    },
    payload: said(action, others),
  };
  if (op.outcome === null) return [intent];
  return [
    intent,
    outcome({
      actionId: action.id,
      runId: action.runId,
      settlement: op.outcome.settlement,
      posted: op.outcome.posted,
      measured: null,
      by: 'act',
      at: op.at,
    }),
  ];
}

export function markRecorded(op: ActionMark): EventDraft {
  return {
    chain: op.runId,
    type: 'action.marked',
    at: op.at,
    body: { action: op.actionId, lease: op.leaseId, measured: op.measured },
    payload: { trace: op.trace },
  };
}

export function outcomeRecorded(op: ActionSettle): EventDraft {
  return outcome(op);
}

export function declineRecorded(op: ActionDecline): EventDraft {
  return {
    chain: op.action.runId,
    type: op.as === 'denied' ? 'action.denied' : 'action.drafted',
    at: op.at,
    body: { ...proposed(op.action), measured: effectOf(op.measured) },
    payload: { ...said(op.action), measured: op.measured },
  };
}

export function parkRecorded(op: ActionPark): EventDraft {
  const { action, approval } = op;
  return {
    chain: action.runId,
    type: 'action.parked',
    at: op.at,
    body: {
      ...proposed(action),
      measured: effectOf(op.measured),
      approval: approval.id,
      digest: approval.digest,
      target: approval.binding.target,
      halt: approval.binding.halt,
      askedAt: approval.askedAt,
      expiresAt: approval.binding.expiresAt,
      preview: op.previewActionId,
    },
    payload: {
      ...said(action),
      measured: op.measured,
      ...(op.shown === undefined ? {} : { shown: op.shown }),
      binding: approval.binding,
      askKey: op.askKey,
    },
  };
}

/** What a check says that has nothing against the action: of an intent only its name is kept. */
export function hasPassed({ ceiling, code, fix }: Verdict): boolean {
  return code === 'OK' && ceiling === 'auto' && fix === undefined;
}

export function passedOf(verdicts: readonly Verdict[]): string[] {
  const names: string[] = [];
  for (const verdict of verdicts) if (hasPassed(verdict)) names.push(verdict.check);
  return names;
}

function proposed(
  action: ActionRecord,
  verdicts: readonly Verdict[] = action.decision.verdicts,
): { readonly [field: string]: unknown } {
  const { decision } = action;
  return {
    action: action.id,
    tool: action.tool,
    toolDigest: action.toolDigest,
    connection: action.connection,
    purpose: action.purpose,
    via: action.via,
    mode: decision.mode,
    nature: decision.nature,
    verdicts: verdicts.map(({ ceiling, check, code, would }) => ({
      ...{ ceiling, check, code },
      ...(would === undefined ? {} : { would }),
    })),
  };
}

/** What may quote the agent or the data; the digest too, since few arguments are hard to guess. */
function said(
  action: ActionRecord,
  verdicts: readonly Verdict[] = action.decision.verdicts,
): { readonly [field: string]: unknown } {
  return {
    arguments: action.arguments,
    argumentsDigest: action.argumentsDigest,
    continuation: action.continuation,
    lineage: action.lineage,
    traceparent: action.traceparent,
    reasons: verdicts.map(({ check, fix, reason }) => ({ check, fix, reason })),
  };
}

function effectOf(measured: Measured | null): EffectVector | null {
  return measured?.effect ?? null;
}

function outcome(op: Omit<ActionSettle, 'kind'>): EventDraft {
  const { settlement } = op;
  return {
    chain: op.runId,
    type: 'action.outcome',
    at: op.at,
    body: {
      action: op.actionId,
      outcome: settlement.kind,
      because: becauseOf(settlement),
      posted: op.posted,
      measured: effectOf(op.measured),
      by: op.by,
    },
    payload: { ...contentOf(settlement), measured: op.measured },
  };
}

/** Codes only. */
export function becauseOf(settlement: Settlement): unknown {
  if (settlement.kind === 'failed') return settlement.code;
  if (settlement.kind !== 'refused') return null;
  const { code, reasons } = settlement.refusal;
  return { code, checks: reasons.map((reason) => ({ check: reason.check, code: reason.code })) };
}

function contentOf(settlement: Settlement): { readonly [field: string]: unknown } {
  switch (settlement.kind) {
    case 'done':
      return { result: settlement.result };
    case 'failed':
      return { message: settlement.message, reply: settlement.reply };
    case 'unknown':
      return { message: settlement.message };
    case 'refused':
      return { refusal: settlement.refusal };
    case 'running':
      return {};
  }
}
