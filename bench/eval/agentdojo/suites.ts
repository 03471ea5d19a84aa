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

export const MARK = /CANARY_[\w-]+?_YRANAC/g;

/** The suites of a replay file. What it leaves out is empty; what is no such file says where. */
export async function suitesIn(path: string): Promise<Suite[]> {
  const file = JSON.parse(await readFile(path, 'utf8')) as Json;
  if (!isJsonObject(file) || !isJsonObject(file.suites))
    throw new Error(`expected \`suites\` by name in ${path}`);
  return Object.entries(file.suites).map(([name, value]) => {
    const suite = membersOf(value);
    const tasks = Object.entries(membersOf(suite.user_tasks)).map(([id, task]) =>
      taskOf(id, membersOf(task)),
    );
    const attacks = Object.entries(membersOf(suite.injection_tasks)).map(([id, attack]) => {
      const { goal, trace } = membersOf(attack);
      return { id, goal: String(goal ?? ''), steps: stepsOf(trace) };
    });
    const listed = listOf(suite.tools).map(membersOf).filter(isNamed).map(toolOf);
    return { name, tools: withCalled(listed, [...tasks, ...attacks]), tasks, attacks };
  });
}

function taskOf(id: string, { prompt, trace, trace_canary: marked }: JsonObject): Task {
  const steps = stepsOf(trace);
  const whole = marked === undefined || marked === null ? steps : stepsOf(marked);
  return { id, prompt: String(prompt ?? ''), steps, marked: withMark(whole) };
}

/** Where nobody says what a stranger can write, the first result with anything in it is one. */
function withMark(steps: readonly Step[]): readonly Step[] {
  if (steps.some(({ result }) => result.match(MARK) !== null)) return steps;
  const first = steps.findIndex(({ result }) => result !== '');
  return steps.map((step, i) =>
    i === first ? { ...step, result: `${step.result}\nCANARY_first_YRANAC` } : step,
  );
}

const isNamed = ({ name }: JsonObject): boolean => typeof name === 'string' && name !== '';

function toolOf({ name, description, schema, inputSchema }: JsonObject): ToolText {
  const input = isJsonObject(schema) ? schema : membersOf(inputSchema);
  return { name: String(name), description: String(description ?? ''), inputSchema: input };
}

/** Every tool that is called is there, also where the file does not list it. */
function withCalled(
  listed: readonly ToolText[],
  played: readonly { readonly steps: readonly Step[] }[],
): ToolText[] {
  const names = new Set(listed.map(({ name }) => name));
  return [...listed, ...toolsOf(played).filter(({ name }) => !names.has(name))];
}

export function stepsOf(trace: Json | undefined): Step[] {
  return listOf(trace)
    .map(membersOf)
    .filter(({ tool }) => typeof tool === 'string' && tool !== '')
    .map(({ tool, args, result, error }) => ({
      tool: String(tool),
      given: withoutNothing(membersOf(args)),
      result: typeof result === 'string' ? result : JSON.stringify(result ?? ''),
      isError: error !== null && error !== undefined && error !== false,
    }));
}

function membersOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function withoutNothing(given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** Tools as far as recorded calls show them: every argument that was ever given, of any type. */
export function toolsOf(played: readonly { readonly steps: readonly Step[] }[]): ToolText[] {
  const seen = new Map<string, Set<string>>();
  for (const { tool, given } of played.flatMap(({ steps }) => steps)) {
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
