import type { Bundle } from '../domain/bundle.ts';
import { DIMENSIONS, type EffectVector, effectVector } from '../domain/effect.ts';
import { SignalboxError } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { type LineageFacts, type SeenLabel, SOURCE_LABELS } from '../domain/lineage.ts';
import type { Mode } from '../domain/mode.ts';
import { own } from '../domain/own.ts';
import type { PolicyAlarm } from '../domain/policy.ts';
import type { Measured } from '../domain/proposal.ts';
import { BundlePolicies } from './bundle-policies.ts';
import { Reference } from './reference.ts';
import { modesFor } from './ruling.ts';
import { contextOf, questionOf } from './tool-policies.ts';

/** A made-up action that policies are asked about. */
export interface PolicyQuestion {
  readonly agent: string;
  readonly tool: string;
  readonly arguments: JsonObject;
  /** In ms since the epoch. */
  readonly at: number;
  /** What it would measure before it commits; null: it has not begun. */
  readonly measured: EffectVector | null;
  /** What its run has read; null: not known. */
  readonly seen: readonly SeenLabel[] | null;
}

export interface PolicyAnswer {
  readonly ceiling: Mode;
  readonly code: string;
  readonly reason: string;
  readonly fix: string | null;
  readonly policies: readonly string[];
  readonly approvers: readonly string[];
  /** From the most authority down, by the reference engine. Empty where the arguments cannot be read. */
  readonly modes: readonly {
    readonly mode: string;
    readonly allowed: boolean;
    readonly policies: readonly string[];
    readonly errors: readonly string[];
  }[];
  /** The policies that can concern this tool at all. */
  readonly slice: readonly { readonly id: string; readonly effect: string }[];
}

const MOST = 1_000;

/** Reads questions as somebody wrote them. Throws SignalboxError `REQUEST_MALFORMED` with the number of the one at fault. */
export function questionsOf(value: Json, now: number): readonly PolicyQuestion[] {
  if (!Array.isArray(value) || value.length > MOST)
    throw new SignalboxError('REQUEST_MALFORMED', `expected a list of at most ${MOST} questions`);
  return value.map((each, index) => questionAt(each, index + 1, now));
}

function questionAt(value: Json, number: number, now: number): PolicyQuestion {
  const bad = (what: string): SignalboxError =>
    new SignalboxError('REQUEST_MALFORMED', `question ${number}: expected ${what}`);
  if (!isJsonObject(value)) throw bad('an object');
  const { agent, tool, arguments: given = {}, at, measured = null, seen = null } = value;
  if (typeof agent !== 'string' || typeof tool !== 'string') throw bad('texts `agent` and `tool`');
  if (!isJsonObject(given)) throw bad('an object `arguments`');
  const when = at === undefined ? now : Date.parse(String(at));
  if (!Number.isFinite(when)) throw bad('a time `at`, such as `2026-12-24T23:00Z`');
  if (seen !== null && !(Array.isArray(seen) && seen.every(isSeen)))
    throw bad('a list `seen` of `private`, `pii`, `untrusted`');
  return {
    ...{ agent, tool, arguments: given, at: when },
    measured: measured === null ? null : measuredOf(measured, bad),
    seen: seen as readonly SeenLabel[] | null,
  };
}

function isSeen(label: Json): boolean {
  return ['untrusted', ...SOURCE_LABELS].includes(String(label));
}

function measuredOf(value: Json, bad: (what: string) => SignalboxError): EffectVector {
  const known = isJsonObject(value) ? value : { x: null };
  try {
    if (Object.keys(known).every((name) => (DIMENSIONS as readonly string[]).includes(name)))
      return effectVector(known as Partial<EffectVector>);
  } catch {
    // told below
  }
  throw bad(`an object \`measured\` of counts (${DIMENSIONS.join(', ')})`);
}

/** Asks the policies of a bundle. `alarms`: what did not work as it should. */
export function askPolicies(
  bundle: Bundle,
  questions: readonly PolicyQuestion[],
): { readonly answers: readonly PolicyAnswer[]; readonly alarms: readonly PolicyAlarm[] } {
  const alarms: PolicyAlarm[] = [];
  const policies = new BundlePolicies(bundle, new Reference(), (alarm) => alarms.push(alarm));
  return { answers: questions.map((question) => answerOf(policies, bundle, question)), alarms };
}

function answerOf(
  policies: BundlePolicies,
  bundle: Bundle,
  question: PolicyQuestion,
): PolicyAnswer {
  const tool = own(bundle.tools, question.tool);
  if (tool === null)
    throw new SignalboxError('REQUEST_MALFORMED', `there is no tool \`${question.tool}\``, {
      help: 'name a tool of the configuration; `signalbox plan` lists them',
    });
  const run = runOf(question);
  const lineage: LineageFacts | null =
    question.seen === null ? null : { proofs: [], flows: [], seen: question.seen };
  const { at: now, arguments: given } = question;
  const measured = measuredWith(question.measured);
  const asking = { now, arguments: given, run, tool, measured, lineage };
  const ruling = policies.rulingFor(asking);
  const of = policies.toolPolicies(tool);
  const context = contextOf(of, asking);
  return {
    ...{ ceiling: ruling.ceiling, code: ruling.code, reason: ruling.reason },
    ...{ fix: ruling.fix ?? null, policies: ruling.policies, approvers: ruling.approvers },
    modes:
      context === null
        ? []
        : modesFor(tool.effect).map((mode) => {
            const question = questionOf(of, run.agent, context, mode);
            const { allowed, reasons, errors } = policies.reference.ask(of.slice, question);
            return { mode, allowed, policies: reasons, errors };
          }),
    slice: [...of.table.values()].map(({ id, effect }) => ({ id, effect })),
  };
}

function runOf({ agent, at }: PolicyQuestion) {
  return {
    ...{ id: 'run_asked', root: 'run_asked', parent: null, depth: 0, agent, intent: 'asked' },
    ...{ state: 'live' as const, startedAt: at, expiresAt: at, endedAt: null, budget: {} },
    ...{ tools: null, actsFor: [] },
  };
}

function measuredWith(effect: EffectVector | null): Measured | null {
  if (effect === null) return null;
  return { effect, byTable: [], images: [], imagesComplete: false, preState: 'asked' };
}
