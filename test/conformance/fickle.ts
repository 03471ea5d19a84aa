import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Fickle {
  readonly url: string;
  sessions: number;
  readonly heard: string[];
  answer: (method: string, response: ServerResponse) => void;
  stream: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

/** A listener by hand: opens sessions `s1`, `s2`, …, and does with everything else what it is told. */
export async function startFickle(): Promise<Fickle> {
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') return site.stream(request, response);
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { id, method } = JSON.parse(text);
    site.heard.push(method);
    if (method === 'notifications/initialized') return void response.writeHead(202).end();
    if (method !== 'initialize') return site.answer(method, response);
    const type = { 'content-type': 'application/json', 'mcp-session-id': `s${++site.sessions}` };
    const result = { protocolVersion: '2025-06-18', capabilities: {} };
    response.writeHead(200, type).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site: Fickle = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions: 0,
    heard: [],
    answer: () => {},
    stream: (_, response) => void response.writeHead(405).end(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return site;
}
