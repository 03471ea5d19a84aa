import type { ActionRecord } from '../domain/action-record.ts';
import type { Verdict } from '../domain/decision.ts';
import { DIMENSIONS, type EffectVector } from '../domain/effect.ts';
import { canonical, quoted } from '../domain/json.ts';
import type { ActionAdmit, Reservation } from '../domain/ops.ts';
import type { Settlement, ToolResult } from '../domain/proposal.ts';
import { codeOf, EVENTS } from './events.ts';
import { becauseOf, hasPassed, passedOf } from './record-action.ts';

/*
 * The record of a read whose intent and outcome are one commit (`action.read`). It is written once for every call, so
 * its canonical text is put together by hand, member by member in sorted order; a test holds it against `canonical`.
 * Whoever seals the payload puts the commitment between the two parts of the body (`bodyOf`).
 */

export interface ReadRecord {
  /** The body up to where `sealed` belongs, and from there on, without the closing brace. */
  readonly before: string;
  readonly after: string;
  /** Canonical text of the payload. */
  readonly payload: string;
}

/** An admission that carries its own final outcome and uses nothing up but its limits. */
export type JointRead = ActionAdmit & {
  readonly approvalId: null;
  readonly outcome: {
    readonly settlement: Extract<Settlement, { kind: 'done' | 'failed' | 'refused' }>;
    readonly posted: EffectVector;
  };
};

export function isJointRead(op: ActionAdmit): op is JointRead {
  if ((op.outcome ?? null) === null || op.approvalId !== null) return false;
  const kind = op.outcome?.settlement.kind;
  return (
    op.action.decision.nature.class === 'read' &&
    (kind === 'done' || kind === 'failed' || kind === 'refused')
  );
}

/** Throws a RangeError for what JSON cannot say. */
export function readRecorded(op: JointRead): ReadRecord {
  const { action, outcome } = op;
  const { mode, nature, verdicts } = action.decision;
  const { settlement } = outcome;
  const others = verdicts.filter((verdict) => !hasPassed(verdict));
  const code = codeOf('action.read', { outcome: settlement.kind });
  return {
    before:
      `{"action":${quoted(action.id)},"because":${canonical(becauseOf(settlement))},"code":"${code}"` +
      `,"connection":${quoted(action.connection)},"lease":${orNull(op.leaseId)},"mode":"${mode}"` +
      `,"nature":{"class":"${nature.class}","idempotent":${nature.idempotent}` +
      `,"reversibility":"${nature.reversibility}"},"outcome":"${settlement.kind}"` +
      `,"passed":${listText(passedOf(verdicts))},"posted":${postedText(outcome.posted)}` +
      `,"purpose":"${action.purpose}","reservations":${reservationsText(op.reservations)}`,
    after:
      `,"stamp":{"bundle":${quoted(op.stamp.bundle)},"halt":${op.stamp.halt}}` +
      `,"tool":${quoted(action.tool)},"toolDigest":${quoted(action.toolDigest)}` +
      `,"v":${EVENTS['action.read'].version},"verdicts":${verdictsText(others)}` +
      `,"via":${quoted(action.via)}`,
    payload: payloadText(action, others, settlement),
  };
}

/** The whole body. `sealed` is null for a run that is erased. */
export function bodyOf(before: string, after: string, sealed: string | null): string {
  return sealed === null
    ? `${before}${after},"withheld":true}`
    : `${before},"sealed":"${sealed}"${after}}`;
}

function verdictsText(others: readonly Verdict[]): string {
  if (others.length === 0) return '[]';
  return canonical(
    others.map(({ check, ceiling, code, would }) => ({ check, ceiling, code, would })),
  );
}

const SORTED_DIMENSIONS = DIMENSIONS.toSorted();

/** Zeros left out. */
function postedText(posted: EffectVector): string {
  let text = '';
  for (const dimension of SORTED_DIMENSIONS) {
    const count = posted[dimension];
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`what was spent of \`${dimension}\` is no count`);
    if (count !== 0) text += `${text === '' ? '' : ','}"${dimension}":${count}`;
  }
  return `{${text}}`;
}

function reservationsText(reservations: readonly Reservation[]): string {
  let text = '';
  for (const { amount, dimension, key, limit } of reservations)
    text += `${text === '' ? '' : ','}{"amount":${amount},"dimension":"${dimension}","key":${quoted(key)},"limit":${limit}}`;
  return `[${text}]`;
}

function payloadText(
  action: ActionRecord,
  others: readonly Verdict[],
  settlement: JointRead['outcome']['settlement'],
): string {
  let text = `{"arguments":${canonical(action.arguments)}`;
  if (action.continuation !== undefined)
    text += `,"continuation":${canonical(action.continuation)}`;
  if (action.lineage !== undefined) text += `,"lineage":${canonical(action.lineage)}`;
  if (settlement.kind === 'failed') text += `,"message":${quoted(settlement.message)}`;
  if (others.length > 0)
    text += `,"reasons":${canonical(others.map(({ check, reason, fix }) => ({ check, reason, fix })))}`;
  if (settlement.kind === 'refused') text += `,"refusal":${canonical(settlement.refusal)}`;
  if (settlement.kind === 'failed' && settlement.reply !== undefined)
    text += `,"reply":${canonical(settlement.reply)}`;
  if (settlement.kind === 'done') text += `,"result":${resultText(settlement.result)}`;
  if (action.traceparent !== undefined) text += `,"traceparent":${quoted(action.traceparent)}`;
  return `${text}}`;
}

function resultText({ cut, structured, text, wants, wire }: ToolResult): string {
  return (
    `{"cut":${cut.length === 0 ? '[]' : canonical(cut)}` +
    (structured === undefined ? '' : `,"structured":${canonical(structured)}`) +
    `,"text":${quoted(text)}` +
    (wants === undefined ? '' : `,"wants":${canonical(wants)}`) +
    (wire === undefined ? '}' : `,"wire":${quoted(wire)}}`)
  );
}

function listText(names: readonly string[]): string {
  let text = '';
  for (const name of names) text += `${text === '' ? '' : ','}${quoted(name)}`;
  return `[${text}]`;
}

function orNull(text: string | null): string {
  return text === null ? 'null' : quoted(text);
}
