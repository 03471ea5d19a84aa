import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Connection, Tool } from '../../../domain/bundle.ts';
import { type Call, type Connector, ConnectorFailure, NO_SINK } from '../../../domain/connector.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { ToolResult } from '../../../domain/proposal.ts';
import { capFor } from '../../../tools/caps.ts';
import { pinned } from '../../../tools/pin.ts';

/** What a target saw of one request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface TestTarget {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  close(): Promise<void>;
}

type Answering = (response: ServerResponse, seen: Seen, request: IncomingMessage) => void;

/** A real HTTP server that keeps what it was asked; `answer` runs when the whole request is there. */
export async function startTarget(answer: Answering): Promise<TestTarget> {
  const seen: Seen[] = [];
  const listener: RequestListener = async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const entry = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      body,
    };
    seen.push(entry);
    answer(response, entry, request);
  };
  const server = createServer((request, response) => {
    void Promise.resolve(listener(request, response)).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function connectionTo(url: string, settings: JsonObject = {}, secret?: string): Connection {
  return {
    name: 'target',
    kind: 'http',
    environment: 'production',
    settings: { url, allowPrivate: true, inside: false, ...settings },
    ...(secret === undefined ? {} : { secret, issuer: 'static-secret' }),
  };
}

export function httpTool(binding: JsonObject, more: Partial<Omit<Tool, 'digest'>> = {}): Tool {
  const effect = more.effect ?? (binding.method === 'GET' ? 'read' : 'write');
  return pinned({
    name: 'fixture',
    description: 'fixture',
    connection: 'target',
    inputSchema: { type: 'object', additionalProperties: false, properties: {} },
    effect,
    reversibility: 'none',
    idempotent: false,
    recoveryPath: false,
    cap: capFor(effect, 'none', {}),
    maxResultBytes: 64 * 1024,
    timeoutMs: 5_000,
    binding: { query: {}, headers: {}, ...binding },
    derivation: [],
    ...more,
  });
}

export function callOf(
  tool: Tool,
  connection: Connection,
  input: JsonObject = {},
  more: Partial<Call> = {},
): Call {
  return {
    actionId: 'act_fixture',
    runId: 'run_fixture',
    tool,
    connection,
    arguments: input,
    continuation: null,
    credential: null,
    purpose: 'execute',
    signal: new AbortController().signal,
    ...more,
  };
}

export async function run(connector: Connector, call: Call): Promise<ToolResult> {
  return await (await connector.begin(call, NO_SINK)).finish();
}

export async function failure(work: Promise<unknown>): Promise<ConnectorFailure> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ConnectorFailure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: 'expected a failure' });
}
