/** The same echo as a server of the official SDK: what stands behind a proxy in practice, and costs more than most proxies. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { ready } from './part.ts';

const counted = { reads: 0 };

const TOOL = {
  name: 'echo',
  description: 'Says the text again',
  inputSchema: {
    type: 'object' as const,
    properties: { text: { type: 'string' } },
    required: ['text'],
  },
};

const handle = toNodeHandler(
  createMcpHandler(() => {
    const server = new Server(
      { name: 'sdk-echo', version: '1.0.0' },
      { capabilities: { tools: {} } },
    );
    server.setRequestHandler('tools/list', () => ({ tools: [TOOL] }));
    server.setRequestHandler('tools/call', ({ params }) => {
      counted.reads++;
      const text = String(params.arguments?.text ?? '');
      return { content: [{ type: 'text' as const, text }] };
    });
    return server;
  }),
);
const server = createServer((request, response) => {
  void handle(request as Parameters<typeof handle>[0], response);
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  ready(`http://127.0.0.1:${port}`, () => ({ ...counted }));
});
