/**
 * The target: hand-written echo on node:http. `/mcp` speaks just enough MCP for a client of either era; `/echo` is the
 * same over plain HTTP, for a connector. It counts what it really did.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ready } from './part.ts';

const counted = { reads: 0, writes: 0 };

const INPUT = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const TOOLS = [
  { name: 'echo', description: 'Says the text again', inputSchema: INPUT },
  { name: 'keep', description: 'Keeps the text', inputSchema: INPUT },
];
const SERVER = { name: 'echo', version: '1.0.0' };
const CACHING = { ttlMs: 60_000, cacheScope: 'private' };

interface Rpc {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: { readonly text?: string };
    readonly protocolVersion?: string;
  };
}

const server = createServer((request, response) => {
  if (request.method === 'GET' && request.url !== '/mcp') return read(request, response);
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
    if (request.url === '/mcp') rpc(body as Rpc, response);
    else write(body as { readonly text: string }, response);
  });
});
server.keepAliveTimeout = 60_000;

function rpc({ id, method, params }: Rpc, response: ServerResponse): void {
  if (id === undefined) response.writeHead(202).end();
  else answer(response, { jsonrpc: '2.0', id, result: resultOf(method, params) });
}

function resultOf(method: string, params: Rpc['params']): object {
  switch (method) {
    case 'tools/call':
      if (params?.name === 'keep') counted.writes++;
      else counted.reads++;
      return {
        resultType: 'complete',
        content: [{ type: 'text', text: params?.arguments?.text ?? '' }],
      };
    case 'tools/list':
      return { resultType: 'complete', tools: TOOLS, ...CACHING };
    case 'server/discover':
      return {
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
        serverInfo: SERVER,
        ...CACHING,
      };
    default:
      return {
        protocolVersion: params?.protocolVersion ?? '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: SERVER,
      };
  }
}

function read(request: IncomingMessage, response: ServerResponse): void {
  counted.reads++;
  const text = decodeURIComponent((request.url ?? '').split('text=')[1] ?? '');
  answer(response, { text });
}

function write({ text }: { readonly text: string }, response: ServerResponse): void {
  counted.writes++;
  answer(response, { text });
}

function answer(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  ready(`http://127.0.0.1:${port}`, () => ({ ...counted }));
});
