/** Two systems behind the gateway, an HTTP service and an MCP server: the only witnesses of what really happened. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Target {
  readonly port: number;
  /** How often each text was written, by tool. */
  readonly writes: ReadonlyMap<string, number>;
  reads(): number;
  close(): Promise<void>;
}

const TEXT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const tool = (name: string) => ({ name, description: `Does ${name}`, inputSchema: TEXT });
const TOOLS = [tool('ask'), tool('keep'), tool('read')];
const PROMPTS = [{ name: 'greet', description: 'Greets', arguments: [{ name: 'who' }] }];
const NAME = {
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: 'Who?',
    requestedSchema: { type: 'object', properties: { name: { type: 'string' } } },
  },
};
const CACHE = { ttlMs: 60_000, cacheScope: 'private' };
const said = (text: string) => ({ content: [{ type: 'text', text }] });

interface Asked {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly uri?: string;
    readonly arguments?: { readonly text?: string };
    readonly inputResponses?: object;
  };
}

export async function startTarget(): Promise<Target> {
  const writes = new Map<string, number>();
  let reads = 0;
  const write = (key: string): void => void writes.set(key, (writes.get(key) ?? 0) + 1);

  const call = ({ params = {} }: Asked): object => {
    const text = String(params.arguments?.text);
    if (params.name === 'keep') write(`up_keep ${text}`);
    else reads++;
    if (params.name === 'ask' && params.inputResponses === undefined)
      return {
        resultType: 'input_required',
        inputRequests: { name: NAME },
        requestState: `s-${text}`,
      };
    return said(text);
  };
  const answers: { readonly [method: string]: (asked: Asked) => object } = {
    'server/discover': () => ({
      supportedVersions: ['2026-07-28'],
      capabilities: { tools: {}, prompts: {}, resources: {}, completions: {} },
      ...CACHE,
    }),
    'tools/list': () => ({ tools: TOOLS, ...CACHE }),
    'prompts/list': () => ({ prompts: PROMPTS, ...CACHE }),
    'prompts/get': () => ({ messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }] }),
    'resources/list': () => ({ resources: [{ uri: 'mem://a', name: 'a' }], ...CACHE }),
    'resources/templates/list': () => ({ resourceTemplates: [], ...CACHE }),
    'resources/read': ({ params = {} }) => ({
      contents: [{ uri: params.uri ?? '', mimeType: 'text/plain', text: 'a' }],
      ...CACHE,
    }),
    'completion/complete': () => ({ completion: { values: ['ada'] } }),
    'tools/call': call,
  };
  const mcp = (asked: Asked, response: ServerResponse): void => {
    const answer = answers[asked.method];
    const body =
      answer === undefined
        ? { error: { code: -32601, message: 'no such method' } }
        : { result: { resultType: 'complete', ...answer(asked) } };
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: asked.id ?? null, ...body }));
  };
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request);
    if (request.url === '/mcp') return mcp(JSON.parse(text) as Asked, response);
    if (request.method === 'POST') write(`keep ${(JSON.parse(text) as { text: string }).text}`);
    else reads++;
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    port: (server.address() as AddressInfo).port,
    writes,
    reads: () => reads,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
