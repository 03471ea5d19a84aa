import type { ActionRecord } from '../domain/action-record.ts';
import {
  type Approval,
  type ApprovalBinding,
  approvalDigest,
  askKey,
  shownState,
  UNMEASURED,
} from '../domain/approval.ts';
import { type Decision, decisive } from '../domain/decision.ts';
import { SignalboxError } from '../domain/errors.ts';
import type { Facts } from '../domain/facts.ts';
import type { Outcome, Proposal, ToolResult } from '../domain/proposal.ts';
import { covers, targetOf } from '../judge/course.ts';
import type { Broker } from './broker.ts';
import { recordOf } from './execute.ts';
import { refusalOf } from './settle.ts';

/** Denied, or kept as a draft for a human to ship: a record and nothing else. */
export async function decline(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
): Promise<Outcome> {
  const action = recordOf(broker, proposal, facts, decision, 'execute');
  const drafted = decision.mode === 'draft' || decision.mode === 'stage';
  await broker.store.commit({
    kind: 'action.decline',
    action,
    as: drafted ? 'drafted' : 'denied',
    measured: facts.measured,
    at: facts.now,
  });
  if (!drafted) return { kind: 'refused', refusal: refusalOf(decision), actionId: action.id };
  return {
    kind: 'drafted',
    actionId: action.id,
    reason: decisive(decision)[0]?.reason ?? 'kept as a draft',
  };
}

/** The same proposal is parked already. */
export async function waiting(
  _broker: Broker,
  _proposal: Proposal,
  facts: Facts,
): Promise<Outcome | 'again'> {
  const { approval } = facts;
  return approval === null ? 'again' : parkedUnder(approval);
}

/** Parks a proposal under an ask that covers exactly this: tool, arguments, target, rows as measured, run, halts, time, nonce. */
export async function park(
  broker: Broker,
  proposal: Proposal,
  facts: Facts,
  decision: Decision,
  previewActionId: string,
  shown?: ToolResult,
): Promise<Outcome | 'again'> {
  const action = recordOf(broker, proposal, facts, decision, 'execute');
  const stale = facts.approval;
  if (stale !== null && !covers(stale, facts))
    await broker.store.commit({
      kind: 'approval.void',
      approvalId: stale.id,
      because: 'it no longer covers this proposal',
      at: facts.now,
    });
  const binding = bindingOf(broker, facts, action, shown);
  const approval = {
    id: broker.doors.entropy.id('ask'),
    actionId: action.id,
    agent: action.agent,
    binding,
    digest: approvalDigest(binding),
    state: 'pending' as const,
    askedAt: facts.now,
    answeredBy: null,
    answeredAt: null,
  };
  const parked = await broker.store.commit({
    kind: 'action.park',
    action,
    approval,
    askKey: askKey(action.runId, action.tool, action.argumentsDigest),
    measured: facts.measured,
    previewActionId,
    ...(shown === undefined ? {} : { shown }),
    at: facts.now,
  });
  if (!parked.ok) return parked.because === 'open' ? joined(broker, parked.approvalId) : 'again';
  broker.notices.notify('asks');
  return parkedUnder(approval);
}

/** A twin of this proposal was parked first: one ask serves both. */
async function joined(broker: Broker, approvalId: string): Promise<Outcome | 'again'> {
  const ask = await broker.store.ask(approvalId);
  return ask === null ? 'again' : parkedUnder(ask.approval);
}

function parkedUnder(approval: Approval): Outcome {
  return {
    kind: 'parked',
    actionId: approval.actionId,
    approvalId: approval.id,
    expiresAt: approval.binding.expiresAt,
    previewed: approval.binding.preState !== UNMEASURED,
  };
}

function bindingOf(
  broker: Broker,
  facts: Facts,
  action: ActionRecord,
  shown: ToolResult | undefined,
): ApprovalBinding {
  const unmeasured = shown === undefined ? UNMEASURED : shownState(shown);
  return {
    runId: action.runId,
    tool: facts.toolName,
    toolDigest: action.toolDigest,
    argumentsDigest: facts.argumentsDigest,
    target: targetOf(facts),
    preState: facts.measured?.preState ?? unmeasured,
    halt: facts.stamp.halt,
    expiresAt: facts.now + facts.bundle.approvalMinutes * 60_000,
    nonce: Buffer.from(broker.doors.entropy.bytes(16)).toString('hex'),
  };
}

/** Every judgement was overtaken by new facts: deny, and say so. */
export async function unstable(_broker: Broker, _proposal: Proposal): Promise<Outcome> {
  throw new SignalboxError(
    'STAMP_UNSTABLE',
    'the rules or limits moved three times while this call was judged, so it was refused',
  );
}
