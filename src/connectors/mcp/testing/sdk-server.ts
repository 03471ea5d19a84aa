import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  inputRequired,
  type McpHttpHandler,
  Server,
} from '@modelcontextprotocol/server';

const TEXT = { type: 'object' as const, properties: { text: { type: 'string' } } };
const region = { type: 'string', 'x-mcp-header': 'Region' };

/** What the SDK's server offers here, in both eras. */
const TOOLS = [
  { name: 'echo', description: 'says it again', inputSchema: TEXT },
  { name: 'steps', description: 'tells its progress', inputSchema: TEXT },
  { name: 'lines', description: 'writes log lines', inputSchema: TEXT },
  { name: 'ask', description: 'asks its caller', inputSchema: TEXT },
  { name: 'slow', description: 'never ends by itself', inputSchema: TEXT },
  {
    name: 'where',
    description: 'is told a region in a header',
    inputSchema: { type: 'object' as const, properties: { region }, required: ['region'] },
  },
];

export interface Seen {
  aborted: number;
  calls: string[];
}

const QUESTION = {
  message: 'sure?',
  requestedSchema: { type: 'object' as const, properties: { sure: { type: 'boolean' as const } } },
};

/** One server of the SDK, v2; the same for both eras and both transports. */
export function sdkServer(seen: Seen): Server {
  const server = new Server(
    { name: 'sdk', version: '2.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: {},
        completions: {},
        logging: {},
      },
      instructions: 'be kind',
    },
  );
  server.setRequestHandler('tools/list', () => ({ tools: TOOLS }));
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    seen.calls.push(params.name);
    const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
    const { mcpReq } = context;
    switch (params.name) {
      case 'steps':
        for (const progress of [1, 2, 2, 3])
          await mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken: mcpReq._meta?.progressToken ?? 'none', progress, total: 3 },
          });
        return said('done');
      case 'lines':
        await mcpReq.log('debug', 'small');
        await mcpReq.log('error', 'large');
        return said('done');
      case 'ask': {
        const given = mcpReq.inputResponses?.sure as { action?: string } | undefined;
        if (given !== undefined) return said(`${given.action} ${mcpReq.requestState()}`);
        return inputRequired({
          inputRequests: { sure: inputRequired.elicit(QUESTION) },
          requestState: 'round one',
        });
      }
      case 'slow':
        await new Promise<void>((over) => {
          mcpReq.signal.addEventListener('abort', () => {
            seen.aborted++;
            over();
          });
        });
        return said('stopped');
    }
    return said(String(params.arguments?.text ?? params.arguments?.region ?? ''));
  });
  server.setRequestHandler('resources/list', () => ({
    resources: [{ uri: 'note://one', name: 'one' }],
  }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [{ uriTemplate: 'note://{name}', name: 'note' }],
  }));
  server.setRequestHandler('resources/read', ({ params }) => ({
    contents: [{ uri: params.uri, text: `contents of ${params.uri}` }],
  }));
  server.setRequestHandler('prompts/list', () => ({
    prompts: [{ name: 'greet', arguments: [{ name: 'who' }] }],
  }));
  server.setRequestHandler('prompts/get', ({ params }) => ({
    messages: [
      {
        role: 'user' as const,
        content: { type: 'text' as const, text: `hi ${params.arguments?.who}` },
      },
    ],
  }));
  server.setRequestHandler('completion/complete', ({ params }) => ({
    completion: { values: [`${params.argument.value}!`] },
  }));
  return server;
}

export interface SdkSite {
  readonly url: string;
  readonly seen: Seen;
  readonly handler: McpHttpHandler;
  /** Headers of the requests that came, the newest last. */
  readonly headers: Record<string, string | string[] | undefined>[];
  close(): Promise<void>;
}

/** Over HTTP; without `legacy` it serves the modern revision alone. */
export async function startSdkServer(legacy: boolean): Promise<SdkSite> {
  const seen: Seen = { aborted: 0, calls: [] };
  const handler = createMcpHandler(() => sdkServer(seen), {
    legacy: legacy ? 'stateless' : 'reject',
  });
  const handle = toNodeHandler(handler);
  const headers: SdkSite['headers'] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    void handle(request as Parameters<typeof handle>[0], response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    seen,
    handler,
    headers,
    async close() {
      await handler.close();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
