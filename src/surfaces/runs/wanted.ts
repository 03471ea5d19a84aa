import { MAX_INTENT_LENGTH } from '../../broker/runs.ts';
import { DIMENSIONS, type Dimension, type EffectVector } from '../../domain/effect.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** What whoever begins a run says of it. Null: nothing was said. */
export interface WantedRun {
  readonly intent: string;
  readonly budget: Partial<EffectVector>;
  readonly tools: readonly string[] | null;
  readonly lifetimeMs: number | null;
  /** The user on whose behalf; a sub-run has that of its parent. */
  readonly subject: string | null;
}

export const WANTED = ['intent', 'budget', 'tools', 'lifetimeSeconds'] as const;

const MAX_TOOLS = 256;
const MAX_TOOL_NAME = 256;
/** A year: whatever is longer than a run may live is cut to that. */
const MAX_SECONDS = 31_536_000;

/** Reads these four members of `said`. Throws REQUEST_MALFORMED. */
export function wantedRun(said: JsonObject): WantedRun {
  const { intent, budget = {}, tools = null, lifetimeSeconds = null, subject = null } = said;
  if (typeof intent !== 'string' || intent.trim() === '')
    throw malformed('expected `intent` to say what the run is for');
  if (intent.length > MAX_INTENT_LENGTH)
    throw malformed(
      `expected an \`intent\` of at most ${MAX_INTENT_LENGTH} characters, got ${intent.length}`,
    );
  if (!isPlain(intent)) throw malformed('`intent` has control characters or a lone surrogate');
  return {
    intent,
    budget: budgetOf(budget),
    tools: tools === null ? null : toolsOf(tools),
    lifetimeMs: lifetimeSeconds === null ? null : 1_000 * secondsOf(lifetimeSeconds),
    subject: subject === null ? null : subjectOf(subject),
  };
}

/** Names of tools, each once. Throws REQUEST_MALFORMED. */
export function toolsOf(said: Json): readonly string[] {
  const fits = (name: Json): boolean =>
    typeof name === 'string' && name !== '' && name.length <= MAX_TOOL_NAME && isPlain(name);
  if (!Array.isArray(said) || said.length > MAX_TOOLS || !said.every(fits))
    throw malformed(`expected \`tools\` to be a list of at most ${MAX_TOOLS} names of tools`);
  return [...new Set(said as readonly string[])];
}

function subjectOf(said: Json): string {
  if (typeof said === 'string' && said !== '' && said.length <= 128 && isPlain(said)) return said;
  throw malformed('expected `subject` to be the name of a user');
}

function secondsOf(said: Json): number {
  if (typeof said === 'number' && Number.isSafeInteger(said) && said > 0 && said <= MAX_SECONDS)
    return said;
  throw malformed(`expected \`lifetimeSeconds\` to be a whole number from 1 to ${MAX_SECONDS}`);
}

function budgetOf(budget: Json): Partial<EffectVector> {
  const limits: { [D in Dimension]?: number } = {};
  for (const [dimension, limit] of Object.entries(closed(budget, DIMENSIONS, 'budget'))) {
    if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 0)
      throw malformed(`expected \`budget.${dimension}\` to be a non-negative integer`);
    limits[dimension as Dimension] = limit;
  }
  return limits;
}

/** `value` as an object with no other members than these. Throws REQUEST_MALFORMED. */
export function closed(value: Json, members: readonly string[], name = ''): JsonObject {
  if (!isJsonObject(value))
    throw malformed(`expected ${name === '' ? 'the body' : `\`${name}\``} to be an object`);
  const prefix = name === '' ? '' : `${name}.`;
  for (const member of Object.keys(value))
    if (!members.includes(member))
      throw malformed(
        `\`${prefix}${member.slice(0, 64)}\` is not known here, expected ${members.map((known) => `\`${known}\``).join(', ')}`,
      );
  return value;
}

/** Readable text: well-formed, and no control characters but line breaks and tabs. */
export function isPlain(text: string): boolean {
  return text.isWellFormed() && !/[^\P{Cc}\n\r\t]/u.test(text);
}

export function malformed(message: string): SignalboxError {
  return new SignalboxError('REQUEST_MALFORMED', message);
}
