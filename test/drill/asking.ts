/** An agent that asks and does not stay for the answer: what it asked for stands open, and nobody waits for it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { isJsonObject } from '../../src/domain/json.ts';
import { type RunHandle, type Said, saidIn } from '../crash/agent.ts';
import { member, send } from '../crash/wire.ts';
import type { Wish } from './config.ts';
import type { Deployment } from './deployment.ts';

const PATIENCE_MS = 8_000;
/** A server hears of a client that went away a moment after it went. */
const GONE_MS = 20;

/** The answer, or the ask that it led to; whoever waits for a human is not waited for. */
export async function brief(
  d: Deployment,
  n: number,
  run: RunHandle,
  wish: Wish,
  known: string | null = null,
): Promise<Said> {
  const client = new Agent();
  const answered = answerOf(d.agentsUrl(n), run, wish, client);
  let settled: Said | null = null;
  void answered.then((said) => {
    settled = said;
  });
  try {
    const until = Date.now() + PATIENCE_MS;
    while (settled === null && Date.now() < until) {
      const approval = await openAsk(d, n, run.id, wish.tool);
      if (approval !== null && approval !== known) return { kind: 'pending', approval };
      await sleep(5);
    }
    return settled ?? { kind: 'lost' };
  } finally {
    await client.destroy();
    await sleep(GONE_MS);
  }
}

async function answerOf(url: string, run: RunHandle, wish: Wish, dispatcher: Agent): Promise<Said> {
  const params = { name: wish.tool, arguments: wish.args };
  try {
    const { body } = await request(`${url}/mcp`, {
      method: 'POST',
      dispatcher,
      headers: {
        authorization: `Bearer ${run.token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    const said: unknown = JSON.parse(await body.text());
    return isJsonObject(said) ? saidIn(said) : { kind: 'lost' };
  } catch {
    return { kind: 'lost' };
  }
}

async function openAsk(
  d: Deployment,
  n: number,
  run: string,
  tool: string,
): Promise<string | null> {
  const reply = await send('GET', `${d.operatorsUrl(n)}/api/approvals`, d.operator.key);
  const asks = member(reply?.body, 'approvals');
  if (!Array.isArray(asks)) return null;
  const found = asks.filter(isJsonObject).find((one) => one.runId === run && one.tool === tool);
  return found === undefined ? null : String(found.id);
}
