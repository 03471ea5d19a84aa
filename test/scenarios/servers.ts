import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';

/** What an MCP server of a scenario lists, and what it says to each call: the first answer that fits. */
export interface ScriptedServer {
  readonly tools: readonly JsonObject[];
  readonly answers?: readonly {
    readonly tool: string;
    /** Arguments that the call must have for this answer. */
    readonly with?: JsonObject;
    readonly says: string;
  }[];
  readonly instructions?: string;
}

/** Real MCP servers over HTTP, each under its name, that count what reaches them. */
export interface Servers {
  urlOf(name: string): string;
  become(name: string, changed: Partial<ScriptedServer>): void;
  calls(name: string, tool: string): number;
  close(): Promise<void>;
}

const VERSION = '2025-06-18';

export async function startServers(scripts: {
  readonly [name: string]: ScriptedServer;
}): Promise<Servers> {
  const now = new Map(Object.entries(scripts));
  const calls = new Map<string, number>();
  const answer = (name: string, method: string, params: JsonObject): JsonObject | null => {
    const server = now.get(name);
    if (server === undefined) return null;
    switch (method) {
      case 'initialize':
        return {
          protocolVersion: VERSION,
          capabilities: { tools: {} },
          serverInfo: { name, version: '1' },
          ...(server.instructions === undefined ? {} : { instructions: server.instructions }),
        };
      case 'tools/list':
        return { tools: [...server.tools] };
      case 'tools/call': {
        const key = `${name}.${params.name}`;
        calls.set(key, (calls.get(key) ?? 0) + 1);
        return { content: [{ type: 'text', text: saidBy(server, params) }] };
      }
      case 'ping':
        return {};
      default:
        return null;
    }
  };
  const http = createServer(async (request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const message = JSON.parse(await textOf(request)) as JsonObject;
    if (message.id === undefined) return void response.writeHead(202).end();
    const params = isJsonObject(message.params) ? message.params : {};
    const result = answer(String(request.url).slice(1), String(message.method), params);
    const said = result === null ? { error: { code: -32601, message: 'not here' } } : { result };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as AddressInfo;
  return {
    urlOf: (name) => `http://127.0.0.1:${port}/${name}`,
    become(name, changed) {
      const before = now.get(name);
      if (before === undefined) throw new Error(`no server is called \`${name}\``);
      now.set(name, { ...before, ...changed });
    },
    calls: (name, tool) => calls.get(`${name}.${tool}`) ?? 0,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

function saidBy({ answers = [] }: ScriptedServer, { name, arguments: given }: JsonObject): string {
  const args = isJsonObject(given) ? given : {};
  const fits = answers.find(
    (one) =>
      one.tool === name &&
      Object.entries(one.with ?? {}).every(
        ([key, value]) => JSON.stringify(args[key]) === JSON.stringify(value),
      ),
  );
  return fits?.says ?? 'ok';
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString();
}
