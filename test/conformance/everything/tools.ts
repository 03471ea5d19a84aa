/** Tools that answer at once, report as they go, or ask their client in the middle. Names are the suite's. */
import { PNG, WAV } from './media.ts';
import { multiRoundTools } from './rounds.ts';
import {
  accepted,
  type Behaviour,
  content,
  form,
  type Members,
  pause,
  sampling,
  type ToolFixture,
  text,
} from './turn.ts';

const NOTHING: Members = { type: 'object', properties: {} };

export function tool(
  name: string,
  description: string,
  behave: Behaviour,
  inputSchema = NOTHING,
): ToolFixture {
  return { definition: { name, description, inputSchema }, behave };
}

const takes = (name: string): Members => ({
  type: 'object',
  properties: { [name]: { type: 'string' } },
  required: [name],
});

const resource = (uri: string, mimeType: string, words: string): Members => ({
  type: 'resource',
  resource: { uri, mimeType, text: words },
});

const plain: readonly ToolFixture[] = [
  tool('test_simple_text', 'Says one line of text', () =>
    content(text('This is a simple text response for testing.')),
  ),
  tool('test_image_content', 'Shows a red pixel', () =>
    content({ type: 'image', data: PNG, mimeType: 'image/png' }),
  ),
  tool('test_audio_content', 'Plays a moment of silence', () =>
    content({ type: 'audio', data: WAV, mimeType: 'audio/wav' }),
  ),
  tool('test_embedded_resource', 'Hands over a resource', () =>
    content(
      resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
    ),
  ),
  tool('test_multiple_content_types', 'Says, shows and hands over', () =>
    content(
      text('Multiple content types test:'),
      { type: 'image', data: PNG, mimeType: 'image/png' },
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ),
  ),
  tool('test_error_handling', 'Fails, and says so', () => ({
    result: {
      isError: true,
      content: [text('This tool intentionally returns an error for testing')],
    },
  })),
  tool(
    'test_header_region',
    'Says which region its header named',
    ({ arguments: given }) => content(text(`region ${String(given.region)}`)),
    {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
      required: ['region'],
    },
  ),
  tool('json_schema_2020_12_tool', 'Keeps every word of its schema', () => content(text('kept')), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  }),
];

const reporting: readonly ToolFixture[] = [
  tool('test_tool_with_logging', 'Logs three lines on its way', async (turn) => {
    await turn.log('info', 'Tool execution started');
    await pause(50);
    await turn.log('info', 'Tool processing data');
    await pause(50);
    await turn.log('info', 'Tool execution completed');
    return content(text('logged three times'));
  }),
  tool('test_logging_tool', 'Logs one line', async (turn) => {
    await turn.log('info', 'one line');
    return content(text('logged once'));
  }),
  tool('test_tool_with_progress', 'Reports progress twice on its way', async (turn) => {
    await turn.progress(0, 100);
    await pause(50);
    await turn.progress(50, 100);
    await pause(50);
    await turn.progress(100, 100);
    return content(text('went from 0 to 100'));
  }),
  tool('test_trigger_tool_change', 'Says that its tools changed', async (turn) => {
    await turn.changed('tools');
    return content(text('said'));
  }),
  tool('test_trigger_prompt_change', 'Says that its prompts changed', async (turn) => {
    await turn.changed('prompts');
    return content(text('said'));
  }),
  tool(
    'test_trigger_resource_change',
    'Says that one resource changed',
    async (turn) => {
      await turn.changed('resource', String(turn.arguments.uri));
      return content(text('said'));
    },
    takes('uri'),
  ),
];

const said = (answer: unknown): string => JSON.stringify(answer ?? null);

/** One question under the key `answer`, and the client's words repeated. */
function asking(question: (turn: { arguments: Members }) => ReturnType<typeof form>): Behaviour {
  return (turn) => {
    const { answer } = turn.answers;
    if (answer === undefined) return { ask: { answer: question(turn) } };
    const { action, content: filled } = answer as Members;
    return content(text(`Elicitation completed: action=${action}, content=${said(filled)}`));
  };
}

const TITLED = [
  { const: 'value1', title: 'First' },
  { const: 'value2', title: 'Second' },
];
const UNTITLED = ['option1', 'option2', 'option3'];

const questioning: readonly ToolFixture[] = [
  tool(
    'test_sampling',
    'Asks the client to ask its model',
    ({ arguments: given, answers }) => {
      if (answers.answer === undefined)
        return { ask: { answer: sampling(String(given.prompt), 100) } };
      return content(text(`LLM response: ${said((answers.answer as Members).content)}`));
    },
    takes('prompt'),
  ),
  tool(
    'test_elicitation',
    'Asks the client to ask its user',
    asking(({ arguments: given }) =>
      form(
        String(given.message),
        {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        },
        ['username', 'email'],
      ),
    ),
    takes('message'),
  ),
  tool(
    'test_elicitation_sep1034_defaults',
    'Asks with a default for each kind of field',
    asking(() =>
      form(
        'Review and change what is there',
        {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        },
        [],
      ),
    ),
  ),
  tool(
    'test_elicitation_sep1330_enums',
    'Asks with each kind of choice',
    asking(() =>
      form(
        'Choose',
        {
          untitledSingle: { type: 'string', enum: UNTITLED },
          titledSingle: { type: 'string', oneOf: TITLED },
          legacyEnum: { type: 'string', enum: ['opt1', 'opt2'], enumNames: ['One', 'Two'] },
          untitledMulti: { type: 'array', items: { type: 'string', enum: UNTITLED } },
          titledMulti: { type: 'array', items: { anyOf: TITLED } },
        },
        [],
      ),
    ),
  ),
  tool('test_streaming_elicitation', 'Reports, then asks', async (turn) => {
    await turn.progress(1, 2);
    const { answer } = turn.answers;
    if (answer === undefined)
      return { ask: { answer: form('Go on?', { ok: { type: 'boolean' } }, ['ok']) } };
    return content(text(`told ${said(accepted(answer))}`));
  }),
  // asks without looking: who carries the question has to say that this client has no model
  tool('test_missing_capability', 'Works only for a client with a model', ({ answers }) =>
    answers.answer === undefined
      ? { ask: { answer: sampling('Say yes', 10) } }
      : content(text('the client has a model')),
  ),
];

export const TOOLS: readonly ToolFixture[] = [
  ...plain,
  ...reporting,
  ...questioning,
  ...multiRoundTools,
];
