/** An agent's side: a run of its own, and `tools/call` as JSON-RPC (revision 2025-11-25, which is sent away when it must wait). */
import type { JsonObject } from '../../src/domain/json.ts';
import { member, send } from './wire.ts';

/** What an agent can know of one call. `lost`: the answer never came whole, so it may or may not have happened. */
export type Said =
  | { readonly kind: 'done'; readonly text: string }
  | { readonly kind: 'pending'; readonly approval: string }
  | { readonly kind: 'refused' | 'failed' | 'unknown' | 'denied'; readonly code: string }
  | { readonly kind: 'lost' };

export interface RunHandle {
  readonly id: string;
  readonly token: string;
}

const HEADERS = { 'mcp-protocol-version': '2025-11-25' };
let lastId = 0;

export async function beginRun(
  agentsUrl: string,
  secret: string,
  intent: string,
  budget: JsonObject = {},
): Promise<RunHandle | null> {
  const reply = await send('POST', `${agentsUrl}/v1/runs`, secret, { intent, budget });
  if (reply === null || reply.status === 429 || reply.status >= 500) return null;
  const id = member(reply.body, 'run', 'id');
  const token = reply.body.token;
  if (typeof id !== 'string' || typeof token !== 'string')
    throw new Error(`no run was started: ${reply.status} ${JSON.stringify(reply.body)}`);
  return { id, token };
}

export async function endRun(agentsUrl: string, run: RunHandle): Promise<boolean> {
  const reply = await send('POST', `${agentsUrl}/v1/runs/${run.id}/end`, run.token, {});
  return reply !== null && reply.status < 500;
}

export async function callTool(
  agentsUrl: string,
  run: RunHandle,
  tool: string,
  args: JsonObject,
): Promise<Said> {
  const params = { name: tool, arguments: args };
  const message = { jsonrpc: '2.0', id: ++lastId, method: 'tools/call', params };
  const reply = await send('POST', `${agentsUrl}/mcp`, run.token, message, HEADERS);
  if (reply === null || reply.status === 429 || reply.status >= 500) return { kind: 'lost' };
  return saidIn(reply.body);
}

export function saidIn(body: JsonObject): Said {
  const { result } = body;
  if (result === undefined)
    return { kind: 'denied', code: String(member(body, 'error', 'data', 'code')) };
  const ours = member(result, 'structuredContent', 'signalbox');
  const status = member(ours, 'status');
  switch (status) {
    case undefined:
      return { kind: 'done', text: JSON.stringify(member(result, 'content') ?? null) };
    case 'pending':
      return { kind: 'pending', approval: String(member(ours, 'approval')) };
    case 'refused':
    case 'failed':
    case 'unknown':
      return { kind: status, code: String(member(ours, 'code')) };
    default:
      throw new Error(`an answer that no agent knows: ${JSON.stringify(result)}`);
  }
}
