/** Tools of the suite's `input-required-result` scenarios: who answers what, over how many rounds. */
import {
  accepted,
  content,
  form,
  type Question,
  type Said,
  sampling,
  type ToolFixture,
  text,
} from './turn.ts';

const name = (): Question => form('What is your name?', { name: { type: 'string' } }, ['name']);
const confirm = (): Question => form('Please confirm', { ok: { type: 'boolean' } }, ['ok']);
const roots: Question = { method: 'roots/list', params: {} };

function tool(last: string, description: string, behave: ToolFixture['behave']): ToolFixture {
  const inputSchema = { type: 'object', properties: {} };
  return {
    definition: { name: `test_input_required_result_${last}`, description, inputSchema },
    behave,
  };
}

/** Asks again for whatever is not there or not what was asked for. */
function confirming(state: string): ToolFixture['behave'] {
  return (turn) =>
    accepted(turn.answers.confirm) === null || turn.state !== state
      ? { ask: { confirm: confirm() }, state }
      : content(text('state-ok'));
}

export const multiRoundTools: readonly ToolFixture[] = [
  tool('elicitation', 'Greets by name', ({ answers }) => {
    const filled = accepted(answers.user_name);
    if (typeof filled?.name !== 'string') return { ask: { user_name: name() } };
    return content(text(`Hello, ${filled.name}!`));
  }),
  tool('sampling', 'Has the client’s model answer', ({ answers }) => {
    if (answers.capital_question === undefined)
      return { ask: { capital_question: sampling('What is the capital of France?', 100) } };
    return content(text(`Answered: ${JSON.stringify(answers.capital_question)}`));
  }),
  tool('list_roots', 'Says which roots the client has', ({ answers }) => {
    if (answers.client_roots === undefined) return { ask: { client_roots: roots } };
    return content(text(`Roots: ${JSON.stringify(answers.client_roots)}`));
  }),
  tool('request_state', 'Knows its own state again', confirming('asked to confirm')),
  tool('tampered_state', 'Refuses a state that is not its own', confirming('asked twice')),
  tool('multiple_inputs', 'Asks three things at once', ({ answers, state }): Said => {
    const wanted = { user_name: name(), greeting: sampling('Generate a greeting', 50) };
    const ask = { ...wanted, client_roots: roots };
    const missing = Object.keys(ask).some((key) => answers[key] === undefined);
    if (missing || state !== 'asked three') return { ask, state: 'asked three' };
    return content(text(`Heard ${Object.keys(answers).length} answers`));
  }),
  tool('multi_round', 'Asks twice, one after the other', ({ answers, state }): Said => {
    const color = { color: { type: 'string' } };
    if (state === 'second' && accepted(answers.step2) !== null) return content(text('done'));
    if (state === 'second' || (state === 'first' && accepted(answers.step1) !== null))
      return {
        ask: { step2: form('Step 2: What is your favorite color?', color, ['color']) },
        state: 'second',
      };
    const step1 = form('Step 1: What is your name?', { name: { type: 'string' } }, ['name']);
    return { ask: { step1 }, state: 'first' };
  }),
  tool('capabilities', 'Asks only what the client can be asked', ({ answers, capabilities }) => {
    if (Object.keys(answers).length > 0) return content(text('answered'));
    const ask: { [key: string]: Question } = {};
    if (capabilities.elicitation !== undefined) ask.by_form = name();
    if (capabilities.sampling !== undefined) ask.by_model = sampling('Say something', 10);
    return Object.keys(ask).length === 0 ? content(text('there is nobody to ask')) : { ask };
  }),
];
