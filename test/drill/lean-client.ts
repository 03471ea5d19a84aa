/**
 * `tools/call` at the least price: sixteen processes that call share two cores with what they measure. One connection, kept;
 * a call that waits gets another.
 */
import { Agent, request } from 'node:http';
import { isJsonObject, type JsonObject } from '../../src/domain/json.ts';
import { type Said, saidIn } from '../crash/agent.ts';

const PATIENCE_MS = 30_000;
const agent = new Agent({ keepAlive: true, maxSockets: 2 });
let lastId = 0;

export async function callTool(
  url: string,
  token: string,
  tool: string,
  args: JsonObject,
): Promise<Said> {
  const params = { name: tool, arguments: args };
  const reply = await post(`${url}/mcp`, token, {
    ...{ jsonrpc: '2.0', id: ++lastId, method: 'tools/call', params },
  });
  if (reply === null || reply.status === 429 || reply.status >= 500) return { kind: 'lost' };
  const said: unknown = JSON.parse(lastOf(reply.text));
  return saidIn(isJsonObject(said) ? said : {});
}

function post(
  url: string,
  token: string,
  body: JsonObject,
): Promise<{ readonly status: number; readonly text: string } | null> {
  const text = JSON.stringify(body);
  return new Promise((resolve) => {
    const lost = (): void => resolve(null);
    const sent = request(url, {
      method: 'POST',
      agent,
      timeout: PATIENCE_MS,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', lost);
    sent.on('response', (response) => {
      let heard = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        heard += piece;
      });
      response.on('error', lost);
      response.on('close', lost);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: heard }));
    });
    sent.end(text);
  });
}

/** A call that was held is answered as a stream of events: what counts is the last one. */
function lastOf(text: string): string {
  if (text.startsWith('{')) return text;
  return text.slice(text.lastIndexOf('data:') + 'data:'.length).split('\n')[0] ?? '{}';
}
