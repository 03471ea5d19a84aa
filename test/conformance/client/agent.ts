/** The agent's side of a scenario: which calls it makes, and what it answers when it is asked. */
import type { Bundle, Tool } from '../../../src/domain/bundle.ts';
import type { Question, Sink } from '../../../src/domain/connector.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../src/domain/json.ts';
import type { ToolResult, Wants } from '../../../src/domain/proposal.ts';
import type { Scenario } from './scenario.ts';
import { CONNECTION } from './upstream.ts';

export type Act = (
  tool: string,
  input: JsonObject,
  continuation?: Wants & { answers: JsonObject },
) => Promise<ToolResult>;

/** A caller that fills forms with their defaults. */
export const CALLER: Sink = {
  capabilities: { elicitation: { form: {} }, sampling: {}, roots: {} },
  logLevel: 'debug',
  progress: true,
  tell: async () => undefined,
  ask: async (question) => answerTo(question),
};

export function answerTo({ method, params }: Question): JsonObject {
  if (method === 'roots/list') return { roots: [] };
  if (method === 'sampling/createMessage')
    return { role: 'assistant', content: { type: 'text', text: 'ok' }, model: 'none' };
  const schema = isJsonObject(params.requestedSchema) ? params.requestedSchema : {};
  return { action: 'accept', content: filled(schema) };
}

/** Every field that has a default takes it; a field that needs a value and has none takes the simplest. */
function filled(schema: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const entries = Object.entries(properties).flatMap(([name, field]): [string, Json][] => {
    if (!isJsonObject(field)) return [];
    if (field.default !== undefined) return [[name, field.default]];
    return field.type === 'boolean' ? [[name, true]] : [];
  });
  return Object.fromEntries(entries);
}

/** Calls what the scenario is about. */
export async function play(scenario: Scenario, bundle: Bundle, act: Act): Promise<void> {
  const { name, context } = scenario;
  if (name === 'sep-2322-client-request-state') return rounds(act);
  if (name === 'http-standard-headers') return everyKind(bundle, act);
  if (name === 'http-custom-headers') return given(context, act);
  if (name === 'json-schema-2020-12-preservation') return echoSchema(bundle, act);
  // its server lists a tool and answers no call
  if (name === 'json-schema-ref-no-deref') return;
  if (name === 'tools_call') return void (await act('add_numbers', { a: 2, b: 3 }));
  for (const tool of toolsOf(bundle)) await act(tool.name, simplest(tool.inputSchema));
}

function toolsOf(bundle: Bundle): readonly Tool[] {
  return Object.values(bundle.tools).filter(({ offers }) => offers === undefined);
}

/** Two calls that are answered with questions, and one between them that has nothing to do with either. */
async function rounds(act: Act): Promise<void> {
  const first = await act('test_mrtr_echo_state', {});
  await act('test_mrtr_unrelated', {});
  await again(act, 'test_mrtr_echo_state', first);
  await again(act, 'test_mrtr_no_state', await act('test_mrtr_no_state', {}));
  await act('test_mrtr_no_result_type', {});
}

async function again(act: Act, tool: string, { wants }: ToolResult): Promise<void> {
  if (wants === undefined) throw new Error(`${tool} did not ask`);
  const answers = Object.entries(wants.questions).map(([key, question]) => [
    key,
    answerTo(question as unknown as Question),
  ]);
  await act(tool, {}, { ...wants, answers: Object.fromEntries(answers) });
}

async function everyKind(bundle: Bundle, act: Act): Promise<void> {
  for (const tool of toolsOf(bundle)) await act(tool.name, {});
  const listed = await act(`${CONNECTION}/resources`, { list: 'resources' });
  for (const resource of membersOf(listed, 'resources'))
    if (typeof resource.uri === 'string')
      await act(`${CONNECTION}/resources`, { uri: resource.uri });
  const { prompts = [] } = bundle.tools[`${CONNECTION}/prompts`]?.listing ?? {};
  for (const prompt of (prompts as Json[]).filter(isJsonObject))
    await act(`${CONNECTION}/prompts`, { name: String(prompt.name) });
}

async function given({ toolCalls }: JsonObject, act: Act): Promise<void> {
  for (const one of Array.isArray(toolCalls) ? toolCalls : [])
    if (isJsonObject(one) && isJsonObject(one.arguments))
      await act(String(one.name), one.arguments);
}

async function echoSchema(bundle: Bundle, act: Act): Promise<void> {
  const focal = toolsOf(bundle).find(({ name }) => name !== 'json_schema_echo');
  await act('json_schema_echo', { schema: focal?.inputSchema ?? {} });
}

function membersOf({ wire = '' }: ToolResult, member: string): readonly JsonObject[] {
  const result: unknown = JSON.parse(`{${wire}}`);
  const found = isJsonObject(result) ? result[member] : undefined;
  return Array.isArray(found) ? found.filter(isJsonObject) : [];
}

/** Something of the right type for every field that must be there. */
function simplest(schema: JsonObject): JsonObject {
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  return Object.fromEntries(
    required.map((name) => {
      const field = properties[name];
      const type = isJsonObject(field) ? field.type : 'string';
      return [name, type === 'number' || type === 'integer' ? 1 : type === 'boolean' ? true : 'a'];
    }),
  );
}
