/** Resources, templates, prompts and completions of the everything server. */
import { PNG } from './media.ts';
import { accepted, form, type Members, type PromptFixture, type Said, text } from './turn.ts';

export const RESOURCES: readonly (Members & { readonly uri: string })[] = [
  {
    uri: 'test://static-text',
    name: 'Static text',
    description: 'Text that never changes',
    mimeType: 'text/plain',
  },
  {
    uri: 'test://static-binary',
    name: 'Static binary',
    description: 'A red pixel',
    mimeType: 'image/png',
  },
  {
    uri: 'test://watched-resource',
    name: 'Watched',
    description: 'Says when it changes',
    mimeType: 'text/plain',
  },
];

export const TEMPLATES: readonly Members[] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'By id',
    description: 'Data of one id',
    mimeType: 'application/json',
  },
];

const TEMPLATED = /^test:\/\/template\/([^/]+)\/data$/;

/** Null: there is no such resource. */
export function read(uri: string): Members | null {
  const of = (mimeType: string, words: string): Members => ({
    contents: [{ uri, mimeType, text: words }],
  });
  if (uri === 'test://static-text')
    return of('text/plain', 'This is the content of the static text resource.');
  if (uri === 'test://watched-resource') return of('text/plain', 'Watched resource content.');
  if (uri === 'test://static-binary')
    return { contents: [{ uri, mimeType: 'image/png', blob: PNG }] };
  const id = TEMPLATED.exec(uri)?.[1];
  if (id === undefined) return null;
  return of(
    'application/json',
    JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  );
}

const WORDS = ['paris', 'park', 'party', 'testing', 'tested'];

export function complete(argument: { readonly value: string }): Members {
  const values = WORDS.filter((word) => word.startsWith(argument.value));
  return { completion: { values, total: values.length, hasMore: false } };
}

function messages(...contents: readonly Members[]): Said {
  return { result: { messages: contents.map((said) => ({ role: 'user', content: said })) } };
}

const required = (name: string): Members => ({ name, description: 'for the test', required: true });

export const PROMPTS: readonly PromptFixture[] = [
  {
    definition: { name: 'test_simple_prompt', description: 'One sentence' },
    behave: () => messages(text('This is a simple prompt for testing.')),
  },
  {
    definition: {
      name: 'test_prompt_with_arguments',
      description: 'Repeats two arguments',
      arguments: [required('arg1'), required('arg2')],
    },
    behave: ({ arguments: { arg1, arg2 } }) =>
      messages(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  },
  {
    definition: {
      name: 'test_prompt_with_embedded_resource',
      description: 'Carries a resource',
      arguments: [required('resourceUri')],
    },
    behave: ({ arguments: { resourceUri: uri } }) =>
      messages(
        {
          type: 'resource',
          resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
        text('Please process the embedded resource above.'),
      ),
  },
  {
    definition: { name: 'test_prompt_with_image', description: 'Carries a picture' },
    behave: () =>
      messages(
        { type: 'image', data: PNG, mimeType: 'image/png' },
        text('Please analyze the image above.'),
      ),
  },
  {
    definition: { name: 'test_input_required_result_prompt', description: 'Asks for its context' },
    behave: ({ answers }) => {
      const filled = accepted(answers.user_context);
      const properties = { context: { type: 'string' } };
      if (typeof filled?.context !== 'string')
        return {
          ask: {
            user_context: form('What context should the prompt use?', properties, ['context']),
          },
        };
      return messages(text(`In the context of ${filled.context}`));
    },
  },
];
