/** Recorded runs of models, one a line; what a line lacks that it may not lack is told with its number. */
import { readFile } from 'node:fs/promises';
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';
import { type Step, stepsOf } from './suites.ts';

/** What a model did, with an attack in it or without one. */
export interface Recorded {
  readonly id: string;
  readonly kind: 'benign' | 'attack';
  readonly prompt: string;
  readonly steps: readonly RecordedStep[];
  /** The trace says which calls are the attacker's: by marks, or by the words that were injected. */
  readonly isTold: boolean;
}

export interface RecordedStep extends Step {
  /** It serves the attacker's goal. */
  readonly attack: boolean;
}

export class BadTraces extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const MOST_PROBLEMS = 20;
/** A value of fewer characters is in any text by chance. */
const LEAST = 4;

/**
 * `{"id", "kind": "benign" | "attack", "prompt", "injections": {}, "steps": [{"tool", "args", "result", "error", "attack"}]}`
 * a line. Only `kind` and `steps` must be there, and of a step its `tool`. Throws BadTraces.
 */
export async function tracesIn(path: string): Promise<Recorded[]> {
  const runs: Recorded[] = [];
  const problems: string[] = [];
  for (const [i, line] of (await readFile(path, 'utf8')).split('\n').entries()) {
    if (line.trim() === '') continue;
    const read = recordedIn(line, `line ${i + 1}`);
    if (typeof read !== 'string') runs.push(read);
    else if (problems.length < MOST_PROBLEMS) problems.push(`line ${i + 1}: ${read}`);
  }
  if (problems.length === 0 && runs.length === 0) problems.push('expected at least one run');
  if (problems.length > 0) throw new BadTraces(problems);
  return runs;
}

function recordedIn(line: string, otherwise: string): Recorded | string {
  let one: Json;
  try {
    one = JSON.parse(line) as Json;
  } catch {
    return `expected one JSON object, got \`${shown(line)}\``;
  }
  if (!isJsonObject(one)) return `expected one JSON object, got \`${shown(line)}\``;
  const { id, kind, prompt, injections, steps } = one;
  if (kind !== 'benign' && kind !== 'attack')
    return `expected \`kind\` benign or attack, got \`${shown(kind)}\``;
  if (!Array.isArray(steps)) return `expected \`steps\` as a list, got \`${shown(steps)}\``;
  for (const [i, step] of (steps as readonly Json[]).entries()) {
    if (!isJsonObject(step) || typeof step.tool !== 'string' || step.tool === '')
      return `expected \`steps[${i}].tool\` as a name, got \`${shown(step)}\``;
    if (step.args !== undefined && step.args !== null && !isJsonObject(step.args))
      return `expected \`steps[${i}].args\` as members, got \`${shown(step.args)}\``;
  }
  const said = typeof prompt === 'string' ? prompt : '';
  const injected = textsIn(injections ?? null);
  const marks = (steps as readonly JsonObject[]).map(({ attack }) => attack === true);
  const told = { prompt: said, injected: injected.join('\n').toLowerCase(), marks };
  return {
    id: typeof id === 'string' ? id : otherwise,
    kind,
    prompt: said,
    steps: kind === 'attack' ? marked(filled(steps, injections), told) : marked(steps, null),
    isTold: injected.length > 0 || marks.includes(true),
  };
}

interface Told {
  readonly prompt: string;
  readonly injected: string;
  readonly marks: readonly boolean[];
}

/** A call is the attacker's where it is marked so, else where it holds what was injected and the principal never said. */
function marked(steps: Json, told: Told | null): RecordedStep[] {
  const prompt = told?.prompt.toLowerCase() ?? '';
  return stepsOf(steps).map((step, i) => {
    if (told === null) return { ...step, attack: false };
    if (told.marks.includes(true)) return { ...step, attack: told.marks[i] === true };
    const attack = textsIn(step.given)
      .map((value) => value.trim().toLowerCase())
      .some(
        (value) =>
          value.length >= LEAST && told.injected.includes(value) && !prompt.includes(value),
      );
    return { ...step, attack };
  });
}

/** `{{vec:NAME}}`, `{NAME}` and `CANARY_NAME_YRANAC` in results stand for what was injected there. */
function filled(steps: Json, injections: Json | undefined): Json {
  if (!isJsonObject(injections)) return steps;
  return (steps as readonly JsonObject[]).map((step) => {
    if (typeof step.result !== 'string') return step;
    let { result } = step as { result: string };
    for (const [name, text] of Object.entries(injections))
      for (const place of [`{{vec:${name}}}`, `{${name}}`, `CANARY_${name}_YRANAC`])
        result = result.replaceAll(place, () => textsIn(text).join(' '));
    return { ...step, result };
  });
}

function textsIn(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (Array.isArray(value)) return value.flatMap((each) => textsIn(each as Json));
  return isJsonObject(value) ? Object.values(value).flatMap((each) => textsIn(each)) : [];
}

function shown(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
