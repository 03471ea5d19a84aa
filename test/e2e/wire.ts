import type { AgentsSide } from './agents-side.ts';
import { type Sent, send } from './echo-target.ts';

/** A message by hand, for what no client library would send. */
export type Wire = (method: string, params?: object, more?: Extra) => Promise<Answer>;

export interface Extra {
  readonly id?: unknown;
  readonly headers?: Record<string, string>;
  readonly meta?: object;
}

export interface Answer extends Sent {
  /** The JSON-RPC message; of a stream, the last one. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly json: any;
  /** Every message of a stream before the last. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  readonly earlier: readonly any[];
}

export const VERSION = '2026-07-28';
const PREFIX = 'io.modelcontextprotocol/';
let lastId = 0;

/** Speaks 2026-07-28, with the headers that mirror the message. */
export function modern(side: AgentsSide, token: string, capabilities: object = {}): Wire {
  return async (method, params = {}, more = {}) => {
    const name = (params as { name?: string }).name;
    const _meta = {
      [`${PREFIX}protocolVersion`]: VERSION,
      [`${PREFIX}clientCapabilities`]: capabilities,
      [`${PREFIX}clientInfo`]: { name: 'wire', version: '1' },
      ...more.meta,
    };
    const headers = {
      'mcp-protocol-version': VERSION,
      'mcp-method': method,
      ...(name === undefined ? {} : { 'mcp-name': name }),
    };
    return post(
      side,
      token,
      method,
      { ...params, _meta },
      { ...more, headers: { ...headers, ...more.headers } },
    );
  };
}

/** Speaks 2025-11-25 without a session. */
export function legacy(side: AgentsSide, token: string): Wire {
  return async (method, params, more = {}) => {
    const headers = { 'mcp-protocol-version': '2025-11-25', ...more.headers };
    const whole = more.meta === undefined ? params : { ...params, _meta: more.meta };
    return post(side, token, method, whole, { ...more, headers });
  };
}

function post(
  side: AgentsSide,
  token: string,
  method: string,
  params: object | undefined,
  { id = ++lastId, headers = {} }: Extra,
): Promise<Answer> {
  const notification = id === null;
  const message = { jsonrpc: '2.0', ...(notification ? {} : { id }), method, params };
  return raw(side.mcpUrl, JSON.stringify(message), {
    authorization: `Bearer ${token}`,
    ...headers,
  });
}

/** Any body at all. */
export async function raw(
  url: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sent = await send(url, {
    body,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
  });
  const messages = sent.headers['content-type']?.startsWith('text/event-stream')
    ? sent.text
        .split('\n')
        .filter((line) => line.startsWith('data: '))
        .map((line) => JSON.parse(line.slice(6)))
    : [sent.text === '' ? null : JSON.parse(sent.text)];
  return { ...sent, json: messages.at(-1), earlier: messages.slice(0, -1) };
}
