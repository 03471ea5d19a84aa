/** What one writes in an afternoon: the official SDK's server in front of the official SDK's client, and no policy. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { ready } from './part.ts';

const upstream = new Client(
  { name: 'naive-proxy', version: '1.0.0' },
  { versionNegotiation: { mode: 'auto' } },
);
await upstream.connect(new StreamableHTTPClientTransport(new URL(process.argv[2] ?? '')));

const handler = createMcpHandler(() => {
  const server = new Server(
    { name: 'naive-proxy', version: '1.0.0' },
    { capabilities: { tools: {} } },
  );
  server.setRequestHandler('tools/list', () => upstream.listTools());
  server.setRequestHandler('tools/call', ({ params }) =>
    upstream.callTool({ name: params.name, arguments: params.arguments ?? {} }),
  );
  return server;
});
const handle = toNodeHandler(handler);
const server = createServer((request, response) => {
  void handle(request as Parameters<typeof handle>[0], response);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  ready(`http://127.0.0.1:${port}/mcp`);
});
