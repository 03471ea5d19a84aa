import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
  CallToolRequestSchema,
  ElicitResultSchema,
  ListToolsRequestSchema,
  SubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';

export interface V1Site {
  readonly url: string;
  /** Methods of the HTTP requests, in order. */
  readonly requests: string[];
  readonly sessions: Map<string, { server: Server; transport: StreamableHTTPServerTransport }>;
  readonly subscribed: string[];
  close(): Promise<void>;
}

/** The SDK's server of the older line, with sessions, over HTTP. */
export async function startV1Server(): Promise<V1Site> {
  const sessions: V1Site['sessions'] = new Map();
  const requests: string[] = [];
  const subscribed: string[] = [];
  const http = createServer(async (request, response) => {
    requests.push(request.method ?? '');
    const id = String(request.headers['mcp-session-id'] ?? '');
    const known = sessions.get(id);
    const body = request.method === 'POST' ? await bodyOf(request) : undefined;
    if (known !== undefined) return await known.transport.handleRequest(request, response, body);
    if (id !== '') return void response.writeHead(404).end();
    const server = serverOf(subscribed);
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (made) => void sessions.set(made, { server, transport }),
    });
    // the SDK's own types of the two do not meet under exact optional properties
    await server.connect(transport as never);
    await transport.handleRequest(request, response, body);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    requests,
    sessions,
    subscribed,
    async close() {
      for (const { transport } of sessions.values()) await transport.close();
      http.closeAllConnections();
      http.close();
      await once(http, 'close');
    },
  };
}

function serverOf(subscribed: string[]): Server {
  const server = new Server(
    { name: 'v1', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true }, resources: { subscribe: true } } },
  );
  const inputSchema = { type: 'object' as const };
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: [
      { name: 'echo', inputSchema },
      { name: 'ask', inputSchema },
    ],
  }));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.push(params.uri);
    return {};
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const said = (text: string) => ({ content: [{ type: 'text' as const, text }] });
    if (params.name !== 'ask') return said(String(params.arguments?.text));
    const requestedSchema = { type: 'object' as const, properties: {} };
    const answer = await extra.sendRequest(
      { method: 'elicitation/create', params: { message: 'sure?', requestedSchema } },
      ElicitResultSchema,
    );
    return said(answer.action);
  });
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}
