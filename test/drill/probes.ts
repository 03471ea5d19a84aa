/** Everything that could still do something after a halt, tried with real requests; and everything that must still work. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import pg from 'pg';
import type { RunHandle, Said } from '../crash/agent.ts';
import { send } from '../crash/wire.ts';
import { brief } from './asking.ts';
import { THIEF } from './canary.ts';
import { approve, begin, type Cast, call } from './cast.ts';
import { addMark, getPage, readRow, touch } from './config.ts';
import { delegate } from './delegate.ts';
import type { Deployment } from './deployment.ts';
import type { Desk } from './desk.ts';
import type { Adversity } from './one-drill.ts';
import type { Account } from './worker.ts';

export interface Probe {
  readonly name: string;
  readonly refused: boolean;
  /** What came instead, when it was not. */
  readonly got?: string;
}

interface Stage {
  readonly d: Deployment;
  readonly cast: Cast;
  readonly accounts: readonly Account[];
  readonly desk: Desk;
  /** The replica that the operator talks to. */
  readonly n: number;
  readonly adversity: Adversity;
}

export async function probes({ d, cast, accounts, n, adversity }: Stage): Promise<Probe[]> {
  // a replica that knows too little of halts answers nobody, and that is a refusal too
  const isAway = (replica: number): boolean => replica % d.replicas.length === adversity.afflicted;
  const [run, second] = [cast.runs[0] ?? never(), cast.runs[1] ?? never()];
  const replicas = d.replicas.map((_, replica) => replica);
  return [
    ...(await Promise.all(
      replicas.map(async (replica) =>
        ofCall(
          `agent token at replica ${replica}`,
          await call(d, replica, run, readRow('victim')),
          isAway(replica),
        ),
      ),
    )),
    ...(await Promise.all(
      cast.subRuns.map(async (sub, which) =>
        ofCall(
          `sub-agent token ${which}`,
          await call(d, which, sub, getPage('victim')),
          isAway(which),
        ),
      ),
    )),
    ofStatus('refresh', await post(d, n, `/v1/runs/${run.id}/renew`, run.token)),
    ofStatus('an exchange for a sub-run', (await delegate(d.agentsUrl(n), run)).status),
    ofStatus('a new run', await post(d, n, '/v1/runs', d.secrets.victim, { intent: 'go on' })),
    ofStatus('a cached session: the list of tools', await listTools(d, n, run)),
    ofCall('a cached list of tools: a call', await call(d, n, run, touch('victim'))),
    ofCall('approved and never used', await brief(d, n, run, cast.approved)),
    ofCall(
      'asked and not answered',
      await brief(d, n, second, cast.parked.wish, cast.parked.approval),
    ),
    await answering(d, n, cast),
    ...streamsOf(accounts, adversity),
    ...(await Promise.all(cast.logins.map((login) => useLogin(d, login)))),
    ...(await processesOf(d)),
  ];
}

/** The halt is lifted: what it ended stays ended. What stood approved under a halted tool is not run after it either. */
export async function afterResume(
  d: Deployment,
  desk: Desk,
  n: number,
  cast: Cast,
): Promise<Probe[]> {
  const first = cast.runs[0] ?? never();
  const old = ofCall(
    'an old token after the halt was lifted',
    await call(d, n, first, readRow('victim')),
  );
  const fresh = await begin(d, n, d.secrets.victim, 'start anew');
  const control = await call(d, n, fresh, readRow('victim'));
  const wish = addMark('victim', randomUUID());
  await approve(d, n, fresh, wish);
  await desk.halt(d.operatorsUrl(n), `tool:${wish.tool}`, 'after it was approved');
  await desk.resume(d.operatorsUrl(n), `tool:${wish.tool}`, 'and before it ran');
  const said = await brief(d, n, fresh, wish);
  await desk.endRun(d.operatorsUrl(n), fresh.id);
  return [
    old,
    {
      name: 'approved before a halt of its tool, called after it',
      refused: said.kind !== 'done',
      got: text(said),
    },
    {
      name: 'control: a new run works after the halt was lifted',
      refused: control.kind === 'done',
      got: text(control),
    },
  ];
}

/** What of the others did notice something, in words; empty when nobody did. */
export async function unaffected({ d, cast, accounts, desk, adversity }: Stage): Promise<string[]> {
  const noticed: string[] = [];
  accounts.forEach(({ after }, n) => {
    if (n % d.replicas.length === adversity.afflicted) return;
    const bad = Object.keys(after).filter((answer) => answer !== 'done');
    if (!after.done) noticed.push(`bystander ${n} got nothing done`);
    if (bad.length > 0) noticed.push(`bystander ${n} heard ${bad.join(', ')}`);
  });
  for (const [replica] of d.replicas.entries()) {
    const said = await call(d, replica, cast.others[0] ?? never(), readRow('other'));
    if (said.kind !== 'done') noticed.push(`replica ${replica} answers a bystander ${text(said)}`);
    if (!(await desk.healthy(d.operatorsUrl(replica))))
      noticed.push(`replica ${replica} is not healthy`);
  }
  return noticed;
}

function ofCall(name: string, said: Said, mayBeAway = false): Probe {
  const refused = said.kind === 'denied' || said.kind === 'refused';
  return { name, refused: refused || (mayBeAway && said.kind === 'lost'), got: text(said) };
}

function ofStatus(name: string, status: number | null): Probe {
  return { name, refused: status === 400 || status === 401 || status === 403, got: String(status) };
}

function text(said: Said): string {
  return 'code' in said ? `${said.kind} ${said.code}` : said.kind;
}

async function post(
  d: Deployment,
  n: number,
  path: string,
  token: string,
  body = {},
): Promise<number | null> {
  const reply = await send('POST', `${d.agentsUrl(n)}${path}`, token, body);
  return reply?.status ?? null;
}

async function listTools(d: Deployment, n: number, run: RunHandle): Promise<number | null> {
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
  const headers = { 'mcp-protocol-version': '2025-11-25' };
  const reply = await send('POST', `${d.agentsUrl(n)}/mcp`, run.token, message, headers);
  return reply?.status ?? null;
}

/** The human comes back and says yes to what was asked before the halt. */
async function answering(d: Deployment, n: number, { parked }: Cast): Promise<Probe> {
  const taken = await d.operator.answer(d.operatorsUrl(n), parked.approval, 'approve');
  return { name: 'an answer to what was asked before', refused: taken !== 'given', got: taken };
}

function streamsOf(accounts: readonly Account[], { afflicted }: Adversity): Probe[] {
  if (afflicted === 6 % 3) return [];
  const ended = accounts[6]?.streamEndedAt ?? null;
  return [
    {
      name: 'an open stream',
      refused: ended !== null,
      got: ended === null ? 'still open' : 'ended',
    },
  ];
}

/** The login itself, at the target, where nobody asks for its password. */
async function useLogin(d: Deployment, user: string): Promise<Probe> {
  const { host, port, database } = d.canary;
  const client = new pg.Client({ user, host, port, database, stream: () => fromThief(host, port) });
  client.on('error', () => {});
  const name = 'a minted login used directly';
  try {
    await client.connect();
    const mine = await client.query('SELECT has_table_privilege($1, $2) AS may', [
      'victim_rows',
      'SELECT',
    ]);
    // the login of somebody who was not halted goes on
    return { name, refused: mine.rows[0]?.may !== true, got: 'let in' };
  } catch (error) {
    const { code } = error as { code?: string };
    return { name, refused: code === '28000' || code === '28P01', got: code ?? 'no answer' };
  } finally {
    await client.end().catch(() => {});
  }
}

function fromThief(host: string, port: number): Socket {
  const socket = new Socket();
  const connect = socket.connect.bind(socket);
  socket.connect = (() => connect({ host, port, localAddress: THIEF })) as Socket['connect'];
  return socket;
}

async function processesOf(d: Deployment): Promise<Probe[]> {
  const alive = (await d.canary.processes(0)).filter(isAlive);
  return [
    {
      name: 'the stdio tool and its grandchild',
      refused: alive.length === 0,
      got: alive.length === 0 ? 'gone' : `${alive.length} alive`,
    },
  ];
}

/** A zombie is dead: only whoever started it has not asked yet. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  if (!existsSync('/proc/self/stat')) {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
  try {
    return !/\) Z /.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}

function never(): never {
  throw new Error('somebody is missing on stage');
}
