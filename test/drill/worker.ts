/**
 * One agent as a process of its own. It works at what it is given until it is told to stop, whatever it is answered: a
 * rogue one does not listen.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { JsonObject } from '../../src/domain/json.ts';
import { callTool } from './lean-client.ts';

export interface Job {
  readonly kind: 'calls' | 'stream';
  readonly url: string;
  readonly token: string;
  readonly tool?: string;
  readonly args?: JsonObject;
  readonly paceMs?: number;
}

/** What came of the job, as its agent saw it. */
export interface Account {
  readonly done: number;
  /** The last call that was answered with a result, and when its answer was here. */
  readonly lastDoneAt: number;
  readonly firstRefusedAt: number | null;
  /** The last call that was under way at `at` was answered then. */
  readonly inFlightUntil: number | null;
  /** Calls begun after `at`, by how they were answered. */
  readonly after: { readonly [answer: string]: number };
  readonly streamEndedAt: number | null;
  /** A call that was under way at `at` still is. */
  readonly isFlying: boolean;
}

export type Order = { readonly job: Job } | { readonly account: number } | { readonly stop: true };

interface Made {
  readonly from: number;
  readonly until: number;
  readonly answer: string;
}

const STEADY_AFTER = 3;
const KEPT = 20_000;
const dispatcher = new Agent({ headersTimeout: 30_000, bodyTimeout: 60_000 });

let round = 0;
let made: Made[] = [];
let streamEndedAt: number | null = null;
let flyingFrom: number | null = null;

async function calls(
  { url, token, tool = '', args = {}, paceMs = 10 }: Job,
  mine: number,
): Promise<void> {
  for (let n = 1; mine === round; n++) {
    const from = Date.now();
    flyingFrom = from;
    const said = await callTool(url, token, tool, args);
    const answer = 'code' in said ? `${said.kind} ${said.code}` : said.kind;
    if (mine !== round) return;
    flyingFrom = null;
    made.push({ from, until: Date.now(), answer });
    if (made.length > KEPT) made = made.slice(-KEPT / 2);
    if (n === STEADY_AFTER) process.send?.({ steady: answer });
    await sleep(paceMs);
  }
}

async function stream({ url, token }: Job, mine: number): Promise<void> {
  const method = 'subscriptions/listen';
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { notifications: { toolsListChanged: true }, _meta };
  try {
    const { statusCode, body } = await request(`${url}/mcp`, {
      method: 'POST',
      dispatcher,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    let told = false;
    for await (const _piece of body) {
      if (!told) process.send?.({ steady: statusCode === 200 ? 'done' : `denied ${statusCode}` });
      told = true;
    }
  } catch {
    // dropped by the other side
  }
  if (mine === round) streamEndedAt = Date.now();
}

function accountAt(at: number): Account {
  const done = made.filter(({ answer }) => answer === 'done');
  const flying = made.filter(({ from, until }) => from <= at && until >= at);
  const after = made.filter(({ from }) => from > at);
  const counts: { [answer: string]: number } = {};
  for (const { answer } of after) counts[answer] = (counts[answer] ?? 0) + 1;
  return {
    done: done.length,
    lastDoneAt: done.at(-1)?.until ?? 0,
    firstRefusedAt:
      made.find(({ until, answer }) => until >= at && answer !== 'done')?.until ?? null,
    inFlightUntil: flying.at(-1)?.until ?? null,
    after: counts,
    streamEndedAt,
    isFlying: flyingFrom !== null && flyingFrom <= at,
  };
}

process.on('message', (order: Order) => {
  if ('job' in order) {
    made = [];
    flyingFrom = null;
    streamEndedAt = null;
    const mine = ++round;
    const work = order.job.kind === 'stream' ? stream : calls;
    void work(order.job, mine);
  } else if ('account' in order) process.send?.({ account: accountAt(order.account) });
  else {
    round++;
    process.send?.({ stopped: true });
  }
});
process.on('disconnect', () => process.exit(0));
