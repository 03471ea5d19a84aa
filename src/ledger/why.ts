import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { flowLine, proofLine } from '../domain/lineage.ts';
import type { ReadableEvent, Store } from '../domain/store.ts';
import { UNDO_ROUNDS, undoRunId } from '../domain/undo.ts';
import { type ActionStory, type ApprovalStory, explain, type Why } from './explain.ts';
import { wantLines, wireLines } from './wire-words.ts';

export type { Why } from './explain.ts';

/** A story as lines in reading order, and as JSON. */
export interface Told {
  readonly lines: readonly string[];
  readonly json: JsonObject;
}

const PAGE = 10_000;

/** What led to an action, approval or run, and what followed; null when nothing has this id. */
export async function why(store: Store, id: string): Promise<Told | null> {
  const told = await storyOf(store, id);
  if (told === null) return null;
  const undone = await undoneBy(store, told.actions);
  const json = JSON.parse(JSON.stringify({ ...told, undone })) as JsonObject;
  return { lines: linesOf(told, undone), json };
}

/** The same as facts. */
export async function storyOf(store: Store, id: string): Promise<Why | null> {
  const chain = await store.runOf(id);
  if (chain === null) return null;
  const events: ReadableEvent[] = [];
  for (let after = 0; ; after = events.length) {
    const page = await store.timeline(chain, after, PAGE);
    events.push(...page);
    if (page.length < PAGE) break;
  }
  return explain(events, id);
}

type Undone = { readonly [action: string]: readonly string[] };

/** An undo is told of so many actions of a run. */
const MOST_UNDONE = 200;

/** The runs in which actions were taken back, or were to be. */
async function undoneBy(store: Store, actions: readonly ActionStory[]): Promise<Undone> {
  const found: { [action: string]: string[] } = {};
  for (const { id } of actions.filter(isEffect).slice(0, MOST_UNDONE))
    for (let round = 0; round < UNDO_ROUNDS; round++) {
      const run = await store.run(undoRunId(id, round));
      if (run === null) break;
      found[id] = [...(found[id] ?? []), run.id];
    }
  return found;
}

/** It came to an intent to change something. */
export function isEffect({ purpose, nature, stamp }: ActionStory): boolean {
  return purpose === 'execute' && stamp !== null && nature.class !== 'read';
}

export function linesOf({ kind, id, run, actions }: Why, undone: Undone = {}): string[] {
  return [
    `${kind} ${id}`,
    `run       ${run.id} of agent ${run.agent}, begun ${time(run.begunAt)}${
      run.endedAt === null ? '' : `, ended ${time(run.endedAt)}`
    }`,
    ...run.actsFor.map(({ run: above, agent }) => `acts for  ${agent} (run ${above})`),
    ...(run.subject === null ? [] : [`on behalf of ${run.subject}`]),
    `intent    ${run.intent ?? 'erased'}`,
    ...actions.flatMap((action) => [
      '',
      ...actionLines(action),
      ...(undone[action.id] ?? []).map((by) => `undo      in run ${by}`),
    ]),
  ];
}

function actionLines(action: ActionStory): string[] {
  const { outcome } = action;
  return [
    `${action.purpose === 'preview' ? 'preview  ' : 'action   '} ${action.id} at ${time(action.at)} by ${action.via}`,
    `tool      ${action.tool} on ${action.connection} (${action.toolDigest.slice(0, 12)})`,
    `arguments ${action.arguments === null ? 'erased' : JSON.stringify(action.arguments)}`,
    ...(action.continuation === null
      ? []
      : [
          `answers   ${JSON.stringify(action.continuation.responses)} (the agent’s, to what the target asked)`,
        ]),
    ...(action.lineage?.proofs ?? []).map((proof) => `  ${proofLine(proof)}`),
    ...(action.lineage?.flows ?? []).map((flow) => `  ${flowLine(flow)}`),
    `decision  ${action.mode}, ${String(action.nature.class)}, reversibility ${String(action.nature.reversibility)}`,
    ...action.verdicts.map(
      ({ check, ceiling, code, reason, would }) =>
        `  ${ceiling.padEnd(7)} ${check}: ${code}${would === undefined ? '' : ` (OBSERVED, not enforced: would be ${would})`}${reason === null ? '' : `: ${reason}`}`,
    ),
    ...action.reservations.map(
      ({ key, dimension, amount, limit }) =>
        `reserved  ${amount} ${dimension} of ${limit} on ${key}`,
    ),
    ...(action.approval === null ? [] : approvalLines(action.approval)),
    ...(action.lease === null
      ? []
      : [
          `credential ${action.lease.handle} of ${action.lease.issuer}: ${action.lease.states
            .map(({ state, at }) => `${state} ${time(at)}`)
            .join(', ')}`,
        ]),
    ...(action.trace === null ? [] : [`trace     ${JSON.stringify(action.trace)}`]),
    ...(action.measured === null ? [] : [`measured  ${effect(action.measured)}`]),
    `outcome   ${outcome.kind} at ${time(outcome.at)}${
      outcome.because === null ? '' : `: ${JSON.stringify(outcome.because)}`
    }${outcome.by === 'recover' ? ' (settled after a crash)' : ''}`,
    ...resultLines(outcome.content),
    `records   ${action.records.map(({ seq, code }) => `${seq} ${code}`).join(', ')}`,
  ];
}

/** What an MCP server answered, or asked before it would go on. */
function resultLines(content: JsonObject | null): string[] {
  const result = content?.result;
  if (!isJsonObject(result)) return [];
  return [
    ...(typeof result.wire === 'string'
      ? wireLines(result.wire).map((line) => `result    ${line}`)
      : []),
    ...(isJsonObject(result.wants)
      ? wantLines(result.wants.questions).map((line) => `asks      ${line}`)
      : []),
  ];
}

function approvalLines(ask: ApprovalStory): string[] {
  const answered =
    ask.answer === null || ask.answeredAt === null
      ? 'not answered'
      : `${ask.answer} by ${ask.answeredBy} at ${time(ask.answeredAt)}${
          ask.because === null ? '' : `: ${ask.because}`
        }`;
  return [
    `approval  ${ask.id} asked at ${time(ask.askedAt)}, until ${time(ask.expiresAt)}: ${answered}${
      ask.voided === null
        ? ''
        : `; void (${ask.voided}${ask.voidedBecause === null ? '' : `: ${ask.voidedBecause}`})`
    }`,
  ];
}

/** The counts that are not zero, of an effect alone or of a whole measurement. */
function effect(measured: JsonObject): string {
  const vector = (measured.effect ?? measured) as JsonObject;
  const counted = Object.entries(vector).filter(
    ([, count]) => typeof count === 'number' && count > 0,
  );
  return counted.length === 0
    ? 'no effect'
    : counted.map(([dimension, count]) => `${dimension} ${count}`).join(', ');
}

function time(at: number): string {
  return new Date(at).toISOString();
}
