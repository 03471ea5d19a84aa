import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../../domain/json.ts';

/** A modern server written by hand: well-behaved but for how it answers `tools/call`. */
export interface RawSite {
  readonly url: string;
  readonly usual: readonly JsonObject[];
  tools: readonly JsonObject[];
  /** How a call is answered. */
  answer: (response: ServerResponse, id: number) => void;
  readonly paths: string[];
  calls: number;
  last: IncomingMessage['headers'] | null;
  json(response: ServerResponse, value: unknown, status?: number): void;
  raw(response: ServerResponse, body: string, type?: string): void;
  close(): Promise<void>;
}

const USUAL: readonly JsonObject[] = [
  { name: 'echo', description: 'says it again', inputSchema: { type: 'object' } },
];

export async function startRaw(): Promise<RawSite> {
  const server = createServer(async (request, response) => {
    site.paths.push(request.url ?? '');
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let text = '';
    for await (const chunk of request.setEncoding('utf8')) text += chunk;
    const { id, method } = JSON.parse(text) as { id: number; method: string };
    const reply = (result: JsonObject) => site.json(response, { jsonrpc: '2.0', id, result });
    if (method === 'server/discover')
      reply({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: {} },
      });
    else if (method === 'tools/list') reply({ tools: [...site.tools] });
    else {
      site.calls++;
      site.last = request.headers;
      site.answer(response, id);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const site: RawSite = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    usual: USUAL,
    tools: USUAL,
    answer: (response, id) => site.json(response, { jsonrpc: '2.0', id, result: { content: [] } }),
    paths: [],
    calls: 0,
    last: null,
    json: (response, value, status = 200) =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(value)),
    raw: (response, body, type = 'application/json') =>
      void response.writeHead(200, { 'content-type': type }).end(body),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return site;
}
