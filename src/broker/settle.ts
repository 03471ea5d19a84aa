import { shownResult } from '../boundary/shown-result.ts';
import { withSmuggledShown } from '../boundary/smuggled.ts';
import type { Tool } from '../domain/bundle.ts';
import { ConnectorFailure } from '../domain/connector.ts';
import { type Decision, decisive } from '../domain/decision.ts';
import { type EffectVector, NO_EFFECT } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import { HALT_ABORT } from '../domain/halt.ts';
import type { ActionAdmit, ActionSettle, ResultOf } from '../domain/ops.ts';
import type { Measured, Outcome, Refusal, Settlement, ToolResult } from '../domain/proposal.ts';
import type { Broker } from './broker.ts';
import type { Aloft } from './execute.ts';
import { STALE_ABORT } from './flights.ts';
import { stale } from './freshness.ts';
import type { LateIntent } from './late-intent.ts';
import { safeMeasured, safeSettlement } from './withhold.ts';

const NOTHING: ToolResult = { text: '', cut: [] };

/** What nobody sees in it is written out, unless its tool hands that on. */
export function done(result: ToolResult | null, tool: Tool | null): Settlement {
  if (result === null || tool === null) return { kind: 'done', result: result ?? NOTHING };
  const keeps = tool.binding.keepHidden === true;
  return { kind: 'done', result: keeps ? result : shownResult(result, tool.maxResultBytes) };
}

export function refused(why: Decision | 'HALTED'): Settlement {
  return { kind: 'refused', refusal: why === 'HALTED' ? HALTED : refusalOf(why) };
}

/** What the agent is told: every verdict that held the decision down, the first one's code on top. */
export function refusalOf(decision: Decision): Refusal {
  const reasons = decisive(decision).map(({ check, code, reason, fix }) => ({
    check,
    code,
    reason,
    ...(fix === undefined ? {} : { fix }),
  }));
  return { code: reasons[0]?.code ?? 'DENIED', reasons };
}

/** Did the second judgement fail only because the rows are no longer those the human saw? */
export function isMoved(decision: Decision): boolean {
  const held = decisive(decision);
  return held.length > 0 && held.every(({ code }) => code === 'ROWS_MOVED');
}

/** What a fault in the air means: nothing happened (failed, or refused by a halt), or nobody knows. */
export function faultOf(error: unknown, aloft: Aloft): Settlement {
  const halted = aloft.signal.aborted && aloft.signal.reason === HALT_ABORT;
  const surely = error instanceof ConnectorFailure ? error.effect === 'none' : !aloft.finishing;
  if (!surely) return { kind: 'unknown', message: messageOf(error) };
  if (halted || codeOf(error) === 'HALTED') return refused('HALTED');
  if (aloft.signal.reason === STALE_ABORT) return tooOld();
  const reply = error instanceof ConnectorFailure ? error.reply : undefined;
  return {
    kind: 'failed',
    code: codeOf(error),
    message: messageOf(error),
    ...(reply === undefined ? {} : { reply }),
  };
}

/** Stopped just before the effect: by its caller, by the age of what is known of halts, or else by a halt. */
export function stopped({ freshness }: Broker, aloft: Aloft): Settlement {
  if (!freshness.isFresh || aloft.signal.reason === STALE_ABORT) return tooOld();
  if (!aloft.signal.aborted || aloft.signal.reason === HALT_ABORT) return refused('HALTED');
  return {
    kind: 'failed',
    code: 'CONNECTOR_ABORTED',
    message: 'the caller went away, or the run ended, before the effect',
  };
}

function tooOld(): Settlement {
  const { code, message } = stale();
  return { kind: 'failed', code, message };
}

/** After a fault in the air. What was sent and cannot be recorded is told as unknown, never as an error to try again after. */
export async function settleFault(
  broker: Broker,
  intent: ActionAdmit,
  error: unknown,
  aloft: Aloft,
): Promise<Outcome> {
  // known already: only the store did not take it
  const owed = broker.flights.owed(intent.action.id);
  const trying =
    owed === null
      ? settle(broker, intent, faultOf(error, aloft), null)
      : settle(broker, intent, owed.settlement, owed.measured);
  if (!aloft.finishing) return trying;
  return trying.catch(() => ({
    kind: 'unknown' as const,
    message:
      'it was sent, and its outcome could not be recorded; it is settled when the store is back',
    actionId: intent.action.id,
  }));
}

/**
 * Records the outcome of an admitted intent. One that the store is not there to take stays owed, and is recorded by
 * recover() when it is back. The store refuses a second one: this replica was taken for dead meanwhile,
 * another has settled what it flew, and what that one recorded stands.
 */
export async function settle(
  broker: Broker,
  intent: ActionAdmit,
  found: Settlement,
  seen: Measured | null,
): Promise<Outcome> {
  const settlement = safeSettlement(broker.withhold, found);
  const measured = safeMeasured(broker.withhold, seen);
  const settled = await record(broker, {
    kind: 'action.settle',
    actionId: intent.action.id,
    runId: intent.action.runId,
    settlement,
    posted: intent.action.purpose === 'preview' ? NO_EFFECT : postedOf(settlement, measured),
    measured,
    by: 'act',
    at: broker.doors.clock.now(),
  });
  return {
    ...(settled.ok ? settlement : overtaken(intent, settlement)),
    actionId: intent.action.id,
  };
}

async function record(
  { store, flights }: Broker,
  outcome: ActionSettle,
): Promise<ResultOf<ActionSettle>> {
  try {
    const settled = await store.commit(outcome);
    flights.paid(outcome.actionId);
    return settled;
  } catch (error) {
    if (codeOf(error) === 'STORE_DOWN') flights.owe(outcome.actionId, outcome);
    throw error;
  }
}

function overtaken({ action }: ActionAdmit, settlement: Settlement): Settlement {
  if (settlement.kind === 'failed' || settlement.kind === 'refused') return settlement;
  const message = 'this replica was silent for so long that another one settled the call';
  if (action.purpose === 'preview') return { kind: 'failed', code: 'CONNECTOR_ABORTED', message };
  return { kind: 'unknown', message };
}

/** Intent and outcome of a read in one commit. When the facts moved, the result is dropped and everything judged again. */
export async function recordRead(
  broker: Broker,
  intent: ActionAdmit,
  late: LateIntent,
  aloft: Aloft,
  found: Settlement,
  measured: Measured | null,
): Promise<Outcome | 'again'> {
  const settlement = safeSettlement(broker.withhold, found);
  const recorded = late.silent ? 'unrecorded' : await late.settled();
  if (recorded === 'moved') return 'again';
  if (recorded === 'lost')
    throw new SignalboxError('STORE_DOWN', 'the store did not answer while the read was recorded');
  if (recorded === 'recorded') return settle(broker, intent, settlement, measured);
  const posted = postedOf(settlement, measured) ?? reservedBy(intent);
  const joint = { ...intent, leaseId: aloft.leaseId, outcome: { settlement, posted } };
  const kept = await broker.store.commit(joint);
  if (kept.ok) return { ...settlement, actionId: intent.action.id };
  return 'again';
}

/** What is charged: the measured effect, nothing when nothing happened; null lets the store post the whole reservation. */
function postedOf(settlement: Settlement, measured: Measured | null): EffectVector | null {
  if (settlement.kind === 'failed' || settlement.kind === 'refused') return NO_EFFECT;
  return measured === null ? null : { ...measured.effect, calls: 1 };
}

function reservedBy(intent: ActionAdmit): EffectVector {
  const reserved = { ...NO_EFFECT, calls: 1 };
  for (const { dimension, amount } of intent.reservations)
    reserved[dimension] = Math.max(reserved[dimension], amount);
  return reserved;
}

function codeOf(error: unknown): string {
  if (error instanceof ConnectorFailure || error instanceof SignalboxError) return error.code;
  return error instanceof Error && error.name === 'AbortError' ? 'CONNECTOR_ABORTED' : 'INTERNAL';
}

function messageOf(error: unknown): string {
  if (error instanceof ConnectorFailure || error instanceof SignalboxError)
    return withSmuggledShown(error.message);
  return 'an unexpected fault was stopped here';
}

const HALTED: Refusal = {
  code: 'HALTED',
  reasons: [
    {
      check: 'halt',
      code: 'HALTED',
      reason: 'a halt came before the effect',
      fix: 'stop here; only an operator can lift a halt',
    },
  ],
};
