/** What is played: recorded runs of tasks, and the calls that reach an attacker's goal. */
import { readFile } from 'node:fs/promises';
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';

export interface Step {
  readonly tool: string;
  readonly given: JsonObject;
  readonly result: string;
  readonly isError: boolean;
}

export interface ToolText {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

export interface Task {
  readonly id: string;
  readonly prompt: string;
  readonly steps: readonly Step[];
  /** The same run where every place that an attacker can write holds a mark. */
  readonly marked: readonly Step[];
}

export interface Attack {
  readonly id: string;
  readonly goal: string;
  readonly steps: readonly Step[];
}

export interface Suite {
  readonly name: string;
  readonly tools: readonly ToolText[];
  readonly tasks: readonly Task[];
  readonly attacks: readonly Attack[];
}

export const MARK = /CANARY_\w+?_YRANAC/g;

/** The suites of a replay file. */
export async function suitesIn(path: string): Promise<Suite[]> {
  const { suites } = JSON.parse(await readFile(path, 'utf8')) as JsonObject;
  return Object.entries(suites as JsonObject).map(([name, value]) => {
    const { tools, user_tasks: tasks, injection_tasks: attacks } = value as JsonObject;
    return {
      name,
      tools: (tools as readonly JsonObject[]).map((tool) => ({
        name: String(tool.name),
        description: String(tool.description ?? ''),
        inputSchema: tool.schema as JsonObject,
      })),
      tasks: Object.entries(tasks as JsonObject).map(([id, task]) => {
        const { prompt, trace, trace_canary: marked } = task as JsonObject;
        return {
          id,
          prompt: String(prompt),
          steps: stepsOf(trace),
          marked: stepsOf(marked ?? trace),
        };
      }),
      attacks: Object.entries((attacks ?? {}) as JsonObject).map(([id, attack]) => {
        const { goal, trace } = attack as JsonObject;
        return { id, goal: String(goal), steps: stepsOf(trace) };
      }),
    };
  });
}

function stepsOf(trace: Json | undefined): Step[] {
  return (trace as readonly JsonObject[]).map(({ tool, args, result, error }) => ({
    tool: String(tool),
    given: withoutNothing(isJsonObject(args) ? args : {}),
    result: typeof result === 'string' ? result : JSON.stringify(result ?? ''),
    isError: error !== null && error !== undefined,
  }));
}

function withoutNothing(given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** A recorded run of a model: what it did, with an attack in it or without one. */
export interface Recorded {
  readonly id: string;
  readonly kind: 'benign' | 'attack';
  readonly prompt: string;
  readonly steps: readonly (Step & { readonly attack: boolean })[];
}

/** One JSON object a line: `{id, kind, prompt, injections, steps: [{tool, args, result, attack?}]}`. */
export async function recordedIn(path: string): Promise<Recorded[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const { id, kind, prompt, steps } = JSON.parse(line) as JsonObject;
    const played = stepsOf(steps as Json);
    return {
      id: String(id),
      kind: kind === 'attack' ? 'attack' : 'benign',
      prompt: String(prompt ?? ''),
      steps: played.map((step, i) => ({
        ...step,
        attack: (steps as readonly JsonObject[])[i]?.attack === true,
      })),
    };
  });
}

/** Tools as far as recorded calls show them: every argument that was ever given, of any type. */
export function toolsOf(runs: readonly Recorded[]): ToolText[] {
  const seen = new Map<string, Set<string>>();
  for (const { tool, given } of runs.flatMap(({ steps }) => steps)) {
    const names = seen.get(tool) ?? new Set();
    for (const name of Object.keys(given)) names.add(name);
    seen.set(tool, names);
  }
  return [...seen].map(([name, names]) => ({
    name,
    description: name.replaceAll('_', ' '),
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries([...names].map((each) => [each, {}])),
    },
  }));
}
