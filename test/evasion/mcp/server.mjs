// A server that takes any spelling of an argument and writes down what it took. Results hold more than anybody asked for.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [, , record] = process.argv;
const say = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

const text = { type: 'string' };
const tools = [
  {
    name: 'open_issue',
    description: 'Opens an issue in any repository',
    inputSchema: {
      type: 'object',
      properties: {
        repo: text,
        title: text,
        labels: {
          type: 'array',
          items: { type: 'object', properties: { name: text, colour: text } },
        },
        options: {
          type: 'object',
          properties: { notify: { type: 'boolean' }, assignee: text, note: text },
        },
        count: { type: 'integer' },
        draft: { type: 'boolean' },
        request: text,
      },
      required: ['repo', 'title'],
    },
  },
  {
    name: 'query',
    description: 'Looks people up',
    inputSchema: { type: 'object', properties: { q: text, limit: { type: 'integer' } } },
  },
];
const people = [1, 2, 3, 4].map((id) => ({
  id,
  name: `person ${id}`,
  ssn: `SSN-${id}-CANARY`,
  notes: ['note CANARY'],
}));

const data = Buffer.from('CANARY').toString('base64');
const textOf = (value) => ({ type: 'text', text: JSON.stringify(value) });
/** Results of every shape, each with more than the tool hands on. */
const STRANGE = {
  image: { content: [{ type: 'image', data: 'CANARY', mimeType: 'image/png' }] },
  audio: { content: [{ type: 'audio', data: `CANARY${data}`, mimeType: 'audio/wav' }] },
  resource: {
    content: [
      {
        type: 'resource',
        resource: { uri: 'file:///x', text: JSON.stringify({ people, t: 'CANARY' }) },
      },
    ],
  },
  nested: { content: [{ type: 'tool_result', content: [textOf({ people, total: 'CANARY' })] }] },
  errorstructured: { content: [], structuredContent: { people, error: 'CANARY' }, isError: true },
  cursor: { content: [textOf({ people })], nextCursor: 'CANARY', total: 'CANARY' },
  list: { content: [], structuredContent: [{ people, t: 'CANARY' }] },
  textlist: { content: [textOf([{ people, t: 'CANARY' }, 'CANARY'])] },
  wrapped: {
    content: [{ type: 'text', text: `Here you are:\n${JSON.stringify({ people })}\nCANARY` }],
  },
  twice: {
    content: [{ type: 'text', text: '{"people":[{"id":1,"ssn":"CANARY"}],"people":"CANARY"}' }],
  },
  two: { content: [textOf({ people }), { type: 'text', text: 'CANARY' }] },
  proto: {
    content: [
      {
        type: 'text',
        text: '{"__proto__":{"people":[{"ssn":"CANARY"}]},"people":[{"__proto__":{"name":"CANARY"}}]}',
      },
    ],
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  if (method === 'initialize')
    say({
      id,
      result: {
        protocolVersion: '2025-11-25',
        serverInfo: { name: 'greedy', version: '1' },
        capabilities: { tools: {} },
      },
    });
  else if (method === 'tools/list') say({ id, result: { tools } });
  else if (method === 'tools/call') {
    // the very text that came, so that a name said twice shows
    appendFileSync(record, `${line}\n`);
    const mode = params.arguments?.q;
    const content = [{ type: 'text', text: JSON.stringify({ people, total: 'CANARY' }) }];
    if (mode === 'plain')
      say({ id, result: { content: [{ type: 'text', text: 'CANARY in words' }] } });
    else if (mode === 'error')
      say({ id, result: { content: [{ type: 'text', text: 'CANARY failed' }], isError: true } });
    else if (mode === 'link')
      say({
        id,
        result: { content: [{ type: 'resource_link', uri: 'file:///CANARY', name: 'CANARY' }] },
      });
    else if (mode === 'meta') say({ id, result: { content, _meta: { 'acme/x': 'CANARY' } } });
    else if (mode === 'annotated')
      say({
        id,
        result: {
          content: [{ ...content[0], annotations: { audience: ['user'] }, _meta: { c: 'CANARY' } }],
        },
      });
    else if (mode === 'refusal')
      say({ id, error: { code: -32000, message: 'no', data: { people } } });
    else if (Object.hasOwn(STRANGE, mode ?? '')) say({ id, result: STRANGE[mode] });
    else say({ id, result: { content, structuredContent: { people, total: 'CANARY' } } });
  } else if (method === 'ping') say({ id, result: {} });
  else say({ id, error: { code: -32601, message: 'no such method' } });
}
