/** An MCP server over stdio that gives away what it was given: in results, errors, progress, logs and its last words. */
import { createInterface } from 'node:readline';
import { ECHOES } from './forms.ts';

const secret = process.env.CHILD_KEY ?? '';
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const tell = (method: string, params: unknown): void => say({ jsonrpc: '2.0', method, params });
process.stderr.write(`started with ${secret}\n`);

interface Asked {
  readonly id?: number;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly form?: string };
    readonly _meta?: { readonly progressToken?: unknown };
  };
}

// what it says of itself stays as it was when the file was applied, so it may well give itself away there
const TOOLS = ['result', 'error', 'told', 'environment', 'crash'].map((name) => ({
  name,
  description: `${name} of ${secret}`,
  inputSchema: {
    type: 'object',
    description: `made for ${Buffer.from(secret).toString('base64')}`,
    properties: { form: { type: 'string', title: secret, examples: [secret] } },
  },
}));

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params = {} } = JSON.parse(line) as Asked;
  if (id === undefined) return;
  const reply = (result: unknown): void => say({ jsonrpc: '2.0', id, result });
  const fail = (message: string, data?: unknown): void =>
    say({ jsonrpc: '2.0', id, error: { code: -32_000, message, data } });
  if (method === 'initialize')
    return reply({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} },
      serverInfo: { name: `gives-away ${secret}`, version: secret },
      instructions: `use ${secret}`,
    });
  if (method === 'tools/list') return reply({ tools: TOOLS });
  if (method === 'resources/list')
    return reply({ resources: [{ uri: 'res://one', name: `of ${secret}` }], nextCursor: secret });
  if (method === 'resources/templates/list')
    return reply({ resourceTemplates: [{ uriTemplate: `res://${secret}/{x}`, name: secret }] });
  if (method === 'prompts/list') return reply({ prompts: [{ name: 'one', description: secret }] });
  if (method === 'prompts/get')
    return reply({ messages: [{ role: 'user', content: { type: 'text', text: secret } }] });
  if (method === 'completion/complete') return reply({ completion: { values: [secret] } });
  if (method === 'resources/read')
    return reply({ contents: [{ uri: 'res://one', text: `held ${secret}` }] });
  if (method !== 'tools/call') return method === 'server/discover' ? fail('unknown') : reply({});
  const said = (ECHOES[params.arguments?.form ?? 'plain'] ?? ECHOES.plain)?.(secret) ?? '';
  const text = (words: string) => reply({ content: [{ type: 'text', text: words }] });
  switch (params.name) {
    case 'error':
      return fail(`refused with ${said}`, { said });
    case 'environment':
      return text(JSON.stringify(process.env));
    case 'crash':
      process.stderr.write(`dying with ${secret}\n`);
      return process.exit(3);
    case 'told': {
      const progressToken = params._meta?.progressToken;
      const half = Math.floor(secret.length / 2);
      const parts = [`all ${said}`, `half ${secret.slice(0, half)}`, secret.slice(half), said];
      for (const [progress, message] of parts.entries())
        if (progressToken !== undefined)
          tell('notifications/progress', { progressToken, progress: progress + 1, message });
      for (const data of parts) tell('notifications/message', { level: 'error', data });
      return text('told');
    }
    default:
      return reply({
        content: [{ type: 'text', text: said }],
        structuredContent: { said, [said]: true },
      });
  }
});
