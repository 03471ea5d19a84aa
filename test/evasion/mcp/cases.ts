import type { JsonObject } from '../../../src/domain/json.ts';

/** One call of a narrowed tool, as text: JSON that an object cannot hold (a name said twice) is tried too. */
export interface McpCase {
  readonly name: string;
  readonly tool: 'issue' | 'people' | 'note';
  /** The text of `arguments`. */
  readonly args: string;
}

export interface McpControl {
  readonly name: string;
  readonly tool: McpCase['tool'];
  readonly args: JsonObject;
  /** What the answer holds. */
  readonly answer: string;
}

const issue = (name: string, more: string): McpCase => ({
  name,
  tool: 'issue',
  args: `{"title":"a bug","count":2${more === '' ? '' : `,${more}`}}`,
});
const title = (name: string, text: string): McpCase => ({
  name: `a title ${name}`,
  tool: 'issue',
  args: `{"title":${text},"count":2}`,
});
const people = (name: string, args: string): McpCase => ({ name, tool: 'people', args });
const note = (name: string, path: string): McpCase => ({
  name: `a note ${name}`,
  tool: 'note',
  args: `{"path":${path},"content":"x"}`,
});

export const MCP_CASES: readonly McpCase[] = [
  issue('the fixed argument', '"repo":"evil/repo"'),
  issue('the fixed argument in capitals', '"REPO":"evil/repo"'),
  issue('the fixed argument with a space', '"repo ":"evil/repo"'),
  issue('the fixed argument with a dot', '"arguments.repo":"evil/repo"'),
  issue('the fixed argument as a pointer', '"/repo":"evil/repo"'),
  issue('the fixed argument in a look-alike', '"r\\u0435po":"evil/repo"'),
  issue('the fixed argument with a joiner', '"re\\u200dpo":"evil/repo"'),
  issue('the fixed argument in escapes', '"\\u0072epo":"evil/repo"'),
  issue('the fixed argument twice', '"repo":"acme/site","repo":"evil/repo"'),
  issue('the fixed argument as null', '"repo":null'),
  issue('the fixed argument as a list', '"repo":["evil/repo"]'),
  issue('the fixed argument with its own value', '"repo":"acme/site"'),
  issue('the fixed argument by prototype', '"__proto__":{"repo":"evil/repo"}'),
  issue('the fixed argument by constructor', '"constructor":{"prototype":{"repo":"evil/repo"}}'),
  issue('the fixed argument one level down', '"arguments":{"repo":"evil/repo"}'),
  issue('a second set of arguments', '"params":{"arguments":{"repo":"evil/repo"}}'),
  issue('the hidden argument', '"draft":true'),
  issue('the hidden argument in capitals', '"Draft":true'),
  issue('the hidden argument as a text', '"draft":"true"'),
  issue('the key', '"request":"mine"'),
  issue('a fixed member', '"options":{"notify":true}'),
  issue('a fixed member in capitals', '"options":{"Notify":true}'),
  issue('a fixed member by prototype', '"options":{"__proto__":{"notify":true}}'),
  issue('a fixed member twice', '"options":{"notify":false,"notify":true}'),
  issue('a fixed member by a second object', '"options":{"note":"x"},"options":{"notify":true}'),
  issue('a fixed member by its path', '"options.notify":true'),
  issue('a fixed member by brackets', '"options[notify]":true'),
  issue('options as a list', '"options":[{"notify":true}]'),
  issue('options as null', '"options":null'),
  issue('options as a text', '"options":"notify"'),
  issue('a hidden member', '"options":{"assignee":"eve"}'),
  issue('a member that nobody named', '"options":{"webhook":"https://evil.example"}'),
  issue('a hidden member of a list', '"labels":[{"name":"bug"},{"name":"x","colour":"CANARY"}]'),
  issue('a list as an object', '"labels":{"0":{"colour":"CANARY"}}'),
  issue('labels within labels', '"labels":[[{"colour":"CANARY"}]]'),
  issue('a label beyond the choices', '"labels":[{"name":"urgent"}]'),
  issue('a label in capitals', '"labels":[{"name":"BUG"}]'),
  issue('a label that is no text', '"labels":[{"name":{"x":"bug"}}]'),
  issue('too many labels', `"labels":[${'{"name":"bug"},'.repeat(3)}{"name":"bug"}]`),
  { name: 'a number beyond', tool: 'issue', args: '{"title":"a bug","count":11}' },
  { name: 'a number below', tool: 'issue', args: '{"title":"a bug","count":0}' },
  { name: 'a number as a text', tool: 'issue', args: '{"title":"a bug","count":"11"}' },
  { name: 'a number with an exponent', tool: 'issue', args: '{"title":"a bug","count":1.1e1}' },
  { name: 'a number in pieces', tool: 'issue', args: '{"title":"a bug","count":10.5}' },
  { name: 'a number as a list', tool: 'issue', args: '{"title":"a bug","count":[11]}' },
  { name: 'no bounded argument', tool: 'issue', args: '{"title":"a bug"}' },
  title('of another shape', '"DROP everything"'),
  title('with a second line', '"a bug\\nrepo: evil"'),
  title('with a line at its end', '"a bug\\n"'),
  title('that begins well', '"a bug; and more"'),
  title('that ends well', '"!a bug"'),
  title('that is empty', '""'),
  title('that is too long', `"${'a'.repeat(41)}"`),
  title('that is a list', '["a bug"]'),
  title('that is an object', '{"text":"EVIL"}'),
  title('that is null', 'null'),
  title('with a hidden character', '"a\\u202ebug"'),
  people('everything of a person', '{"q":"all"}'),
  people('texts that are no JSON', '{"q":"plain"}'),
  people('words of an error', '{"q":"error"}'),
  people('links', '{"q":"link"}'),
  people('members beside the content', '{"q":"meta"}'),
  people('members of a block', '{"q":"annotated"}'),
  people('more rows than are handed on', '{"q":"rows","limit":4}'),
  note('above', '"../outside.txt"'),
  note('by the way', '"sub/../../outside.txt"'),
  note('elsewhere', '"/etc/motd"'),
  note('of another kind', '"run.sh"'),
  note('with two names', '"a.md","path":"../outside.txt"'),
  note('with a line', '"a.md\\n"'),
  note('with a zero', '"a.md\\u0000.sh"'),
  note('in capitals', '"A.MD"'),
  note('as a list', '["a.md"]'),
];

export const MCP_CONTROLS: readonly McpControl[] = [
  { name: 'an issue', tool: 'issue', args: { title: 'a bug', count: 2 }, answer: 'person' },
  {
    name: 'an issue with labels',
    tool: 'issue',
    args: { title: 'b', count: 10, labels: [{ name: 'bug' }, { name: 'docs' }] },
    answer: 'person',
  },
  {
    name: 'an issue with a note',
    tool: 'issue',
    args: { title: 'c d e', count: 1, options: { note: 'CANARIES are birds' } },
    answer: 'person',
  },
  { name: 'people', tool: 'people', args: { q: 'all' }, answer: 'person 1' },
  { name: 'people, a limit', tool: 'people', args: { q: 'all', limit: 3 }, answer: 'person 2' },
  { name: 'a note', tool: 'note', args: { path: 'todo.md', content: 'milk' }, answer: 'todo.md' },
  { name: 'another note', tool: 'note', args: { path: 'b-2.md', content: 'x' }, answer: 'b-2.md' },
];
