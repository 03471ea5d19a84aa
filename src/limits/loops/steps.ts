import { digestOf } from '../../domain/digest.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Outcome } from '../../domain/proposal.ts';
import type { ReadableEvent } from '../../domain/store.ts';
import { keyOf, printOf, sketchOf } from './print.ts';
import { EMPTY_TRAIL, type Sketch, type Step, stepped, type Trail } from './trail.ts';
import { withTurn } from './turns.ts';

/** A call as both its maker and the ledger know it. */
export interface MadeCall {
  readonly tool: string;
  readonly argumentsDigest: string;
  readonly arguments: JsonObject;
  readonly effect: Step['effect'];
  /** Absent: its tool is not meant to be called again and again. */
  readonly pollingMs: number | undefined;
  /** Millionths of the currency that one call is declared to cost. */
  readonly moneyMicros: number;
  readonly trusted: boolean;
  readonly at: number;
}

/** The trail with what became of a call; the same when that is nothing a detector looks at. */
export function told(
  trail: Trail,
  call: MadeCall,
  outcome: Told,
  sketch: Sketch = sketchOf(call.arguments),
): Trail {
  if (outcome.as === null) return trail;
  return stepped(trail, {
    action: outcome.action,
    tool: call.tool,
    argumentsDigest: call.argumentsDigest,
    key: keyOf(call.argumentsDigest),
    shape: sketch.shape,
    numbers: sketch.numbers,
    as: outcome.as,
    effect: call.effect,
    print: outcome.as === 'done' ? printOf(outcome.text) : null,
    polled: keepsInterval(trail, call),
    trusted: call.trusted,
    moneyMicros: outcome.as === 'done' || outcome.as === 'failed' ? call.moneyMicros : 0,
    at: call.at,
  });
}

/** So many ms after the last same call as its tool declares. One that comes a tenth too early is let pass. */
export function keepsInterval(
  { steps }: Trail,
  {
    tool,
    argumentsDigest,
    pollingMs,
    at,
  }: Pick<MadeCall, 'tool' | 'argumentsDigest' | 'pollingMs' | 'at'>,
): boolean {
  if (pollingMs === undefined) return false;
  const last = steps.findLast(
    (step) => step.tool === tool && step.argumentsDigest === argumentsDigest && step.as !== 'held',
  );
  return last === undefined || at - last.at >= pollingMs * 0.9;
}

/** `as` is null for what no detector counts: what waits for a human, what a halt or a limit refused. */
export interface Told {
  readonly action: string;
  readonly as: Step['as'] | null;
  readonly text: string;
}

/** `heldByLoop`: it was refused because of what the detectors saw. */
export function toldOf(outcome: Outcome, heldByLoop: boolean): Told {
  const action = outcome.actionId;
  switch (outcome.kind) {
    case 'done':
      return resultTold(action, outcome.result.wire ?? outcome.result.text);
    case 'failed':
    case 'unknown':
      return { action, as: 'failed', text: '' };
    case 'refused':
      return { action, as: refusedAs(outcome.refusal.reasons, heldByLoop), text: '' };
    default:
      return { action, as: null, text: '' };
  }
}

function refusedAs(reasons: readonly { readonly code: string }[], heldByLoop: boolean) {
  if (heldByLoop) return 'held';
  return reasons.some(({ code }) => code === 'INPUT_INVALID') ? 'invalid' : null;
}

/** A tool of an MCP server says in its result that it failed. */
function resultTold(action: string, text: string): Told {
  return { action, as: text.includes('"isError":true') ? 'failed' : 'done', text };
}

/** What the ledger needs to be told of a tool, under the bundle that is looked at. */
export type OfTool = (
  tool: string,
) => Pick<MadeCall, 'effect' | 'pollingMs' | 'moneyMicros' | 'trusted'>;

/**
 * The trail that the records of a run tree tell, in their order: what the broker keeps in memory is this and nothing
 * else. Of an erased run nothing is known.
 */
export function trailOf(events: readonly ReadableEvent[], ofTool: OfTool): Trail {
  let trail = EMPTY_TRAIL;
  const open = new Map<string, MadeCall>();
  for (const event of events) {
    const body = JSON.parse(event.body) as JsonObject;
    const action = String(body.action);
    if (event.type === 'action.intent' && body.purpose === 'execute') {
      const call = callOf(event, body, ofTool);
      if (call !== null) open.set(action, call);
    } else if (event.type === 'action.outcome') {
      const call = open.get(action);
      if (call !== undefined) trail = told(trail, call, recordTold(action, event, body));
    } else if (event.type === 'action.read' || event.type === 'action.denied') {
      const call = callOf(event, body, ofTool);
      if (call !== null) trail = told(trail, call, recordTold(action, event, body));
    } else trail = withTurn(trail, event, body);
  }
  return trail;
}

function callOf(
  { payload, at }: ReadableEvent,
  { tool }: JsonObject,
  ofTool: OfTool,
): MadeCall | null {
  const given = payload?.arguments;
  if (!isJsonObject(given)) return null;
  const { argumentsDigest, continuation } = payload ?? {};
  const digest =
    argumentsDigest ??
    (continuation === undefined
      ? digestOf('arguments', given)
      : digestOf('continued', { arguments: given, continuation }));
  return {
    tool: String(tool),
    argumentsDigest: String(digest),
    arguments: given,
    at,
    ...ofTool(String(tool)),
  };
}

function recordTold(action: string, { type, payload }: ReadableEvent, body: JsonObject): Told {
  if (type === 'action.denied') {
    const verdicts = verdictsIn(body.verdicts).filter(({ ceiling }) => ceiling === 'deny');
    const heldByLoop = verdicts.some(({ check }) => check === 'loops');
    return { action, as: refusedAs(verdicts, heldByLoop), text: '' };
  }
  const result = isJsonObject(payload?.result) ? payload.result : {};
  switch (body.outcome) {
    case 'done':
      return resultTold(action, String(result.wire ?? result.text ?? ''));
    case 'failed':
    case 'unknown':
      return { action, as: 'failed', text: '' };
    default:
      return { action, as: null, text: '' };
  }
}

function verdictsIn(
  verdicts: Json | undefined,
): { check: string; code: string; ceiling: string }[] {
  if (!Array.isArray(verdicts)) return [];
  return verdicts.filter(isJsonObject).map(({ check, code, ceiling }) => ({
    check: String(check),
    code: String(code),
    ceiling: String(ceiling),
  }));
}
