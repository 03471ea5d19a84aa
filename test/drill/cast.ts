/** Everybody on stage for one drill: agents at work in every way an agent can be, and what they left lying about. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beginRun, callTool, type RunHandle } from '../crash/agent.ts';
import { brief } from './asking.ts';
import type { Hold } from './canary.ts';
import {
  addMark,
  getPage,
  getSlowly,
  hitSlot,
  linger,
  readRow,
  touch,
  type Wish,
} from './config.ts';
import { Thief, Worker } from './crew.ts';
import { delegate } from './delegate.ts';
import type { Deployment } from './deployment.ts';
import type { Job } from './worker.ts';

export const AGENTS = 8;
export const SUB_AGENTS = 4;
const BYSTANDERS = 3;

export interface Crew {
  readonly agents: readonly Worker[];
  readonly subAgents: readonly Worker[];
  readonly bystanders: readonly Worker[];
  readonly thief: Thief;
}

export function hire(): Crew {
  const workers = (count: number): Worker[] => Array.from({ length: count }, () => new Worker());
  return {
    agents: workers(AGENTS),
    subAgents: workers(SUB_AGENTS),
    bystanders: workers(BYSTANDERS),
    thief: new Thief(),
  };
}

export function dismiss({ agents, subAgents, bystanders, thief }: Crew): void {
  for (const worker of [...agents, ...subAgents, ...bystanders, thief]) worker.end();
}

export interface Cast {
  /** The run of each agent, in the order of the agents; its replica is its place modulo their number. */
  readonly runs: readonly RunHandle[];
  readonly subRuns: readonly RunHandle[];
  readonly others: readonly RunHandle[];
  /** Approved, and never used. */
  readonly approved: Wish;
  /** Asked, and not answered. */
  readonly parked: { readonly wish: Wish; readonly approval: string };
  readonly held: Hold & { readonly slot: number };
  readonly logins: readonly string[];
  /** What did not come about as it should have before the halt. */
  readonly missing: readonly string[];
}

/**
 * One agent at each replica calls often, which tells when its gate closed, and so do the bystanders, who would notice
 * something; all others at an ease at which fifteen callers do not fill the two cores that the halt is to be timed on.
 */
const PACE_MS = { sentinel: 100, other: 300 };
const SENTINELS = 3;
/** Agents whose calls stay in the air: at a page, at a child, at a lock. */
const LINGER = [4, 5, 7];
/** Everybody at ordinary work before the halt, when all have begun. */
const AT_WORK_MS = 500;
const PATIENCE_MS = 25_000;
let lastSlot = 0;

export async function assemble(d: Deployment, crew: Crew, from: number): Promise<Cast> {
  const missing: string[] = [];
  const runs = await Promise.all(
    crew.agents.map((_, n) => begin(d, n, d.secrets.victim, 'be halted')),
  );
  const others = await Promise.all(
    crew.bystanders.map((_, n) => begin(d, n, d.secrets.bystander, 'notice nothing')),
  );
  const subRuns = await Promise.all(
    crew.subAgents.map((_, n) => subRun(d, n, runs[n % runs.length] ?? never())),
  );
  const slot = ++lastSlot;
  const approved = addMark('victim', randomUUID());
  await approve(d, 0, runs[0] ?? never(), approved);
  await approve(d, 7, runs[7] ?? never(), hitSlot(slot));
  const held = { ...(await d.canary.holdSlot(slot)), slot };
  const wish = addMark('victim', randomUUID());
  const asked = await brief(d, 1, runs[1] ?? never(), wish);
  const parked = { wish, approval: 'approval' in asked ? asked.approval : '' };
  if (parked.approval === '') missing.push(`nothing was parked: ${JSON.stringify(asked)}`);

  const started = await Promise.all([
    ...crew.agents.map((worker, n) => {
      const { job, lingers } = jobOf(d, n, runs[n] ?? never(), slot);
      return worker.start(job, lingers);
    }),
    ...crew.subAgents.map((worker, n) =>
      worker.start(
        calls(d, n + 1, subRuns[n] ?? never(), n % 2 === 0 ? readRow('victim') : getPage('victim')),
      ),
    ),
    ...crew.bystanders.map((worker, n) =>
      worker.start(
        calls(
          d,
          n,
          others[n] ?? never(),
          [readRow, getPage, touch][n]?.('other') ?? never(),
          PACE_MS.sentinel,
        ),
      ),
    ),
  ]);
  for (const answer of started)
    if (answer !== 'done' && answer !== 'lingers')
      missing.push(`somebody could not work: ${answer}`);
  await inTheAir(d, crew, from, missing);
  const logins = await d.canary.mintedLogins();
  const { host, port, database } = d.canary;
  await crew.thief.steal({ host, port, database, user: await victimsLogin(d) });
  await sleep(AT_WORK_MS);
  return { runs, subRuns, others, approved, parked, held, logins, missing };
}

/** Eight agents: reading, calling, waiting in every kind of flight, listening. */
function jobOf(
  d: Deployment,
  n: number,
  run: RunHandle,
  slot: number,
): { job: Job; lingers: boolean } {
  const wishes: readonly Wish[] = [
    readRow('victim'),
    readRow('victim'),
    getPage('victim'),
    getPage('victim'),
    getSlowly('page'),
    linger('victim'),
  ];
  const wish = wishes[n];
  if (wish !== undefined) {
    const pace = n < SENTINELS ? PACE_MS.sentinel : PACE_MS.other;
    return { job: calls(d, n, run, wish, pace), lingers: LINGER.includes(n) };
  }
  if (n === 6)
    return { job: { kind: 'stream', url: d.agentsUrl(n), token: run.token }, lingers: false };
  return { job: calls(d, n, run, hitSlot(slot)), lingers: true };
}

function calls(
  d: Deployment,
  n: number,
  { token }: RunHandle,
  { tool, args }: Wish,
  paceMs = PACE_MS.other,
): Job {
  return { kind: 'calls', url: d.agentsUrl(n), token, tool, args, paceMs };
}

export function call(d: Deployment, n: number, run: RunHandle, { tool, args }: Wish) {
  return callTool(d.agentsUrl(n), run, tool, args);
}

/** A run, however busy they are. */
export async function begin(
  d: Deployment,
  n: number,
  secret: string,
  intent: string,
): Promise<RunHandle> {
  for (let tries = 0; tries < 50; tries++) {
    const run = await beginRun(d.agentsUrl(n), secret, intent);
    if (run !== null) return run;
    await sleep(40);
  }
  throw new Error('no run could be begun');
}

async function subRun(d: Deployment, n: number, parent: RunHandle): Promise<RunHandle> {
  const { run, status } = await delegate(d.agentsUrl(n + 1), parent);
  if (run === null) throw new Error(`no sub-run was begun: ${status}`);
  return run;
}

/** Until it is approved, and no further. */
export async function approve(d: Deployment, n: number, run: RunHandle, wish: Wish): Promise<void> {
  const said = await brief(d, n, run, wish);
  if (said.kind !== 'pending') throw new Error(`expected an ask: ${JSON.stringify(said)}`);
  const given = await d.operator.answer(d.operatorsUrl(n), said.approval, 'approve');
  if (given !== 'given') throw new Error(`an approval was not taken: ${given}`);
}

/** Waits until each kind of flight was seen at its target. */
async function inTheAir(d: Deployment, crew: Crew, from: number, missing: string[]): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const effects = await d.canary.effects(from);
    const seen = {
      'a write that waits for a lock': (await d.canary.waiting()) > 0,
      'a slow answer over HTTP': effects.some(({ what }) => what === '/victim/slow/page'),
      'a stdio call': effects.some(
        ({ by, who, what }) => by === 'process' && who === 'victim' && what === 'called',
      ),
      'a grandchild': effects.some(({ who, what }) => who === 'victim' && what === 'beat'),
    };
    const absent = Object.entries(seen).filter(([, there]) => !there);
    if (absent.length === 0) return;
    if (Date.now() > until) {
      missing.push(...absent.map(([what]) => `${what} was not in the air`));
      for (const n of LINGER) missing.push(await heardBy(crew, n, from));
      return;
    }
    await sleep(100);
  }
}

/** Why an agent is not where it should be: what it was told meanwhile. */
async function heardBy({ agents }: Crew, n: number, from: number): Promise<string> {
  const heard = await agents[n]?.account(from);
  return `agent ${n} heard ${JSON.stringify(heard?.after)}${heard?.isFlying ? ', and waits' : ''}`;
}

/** A login that was minted for a run of the agent that is about to be halted. */
async function victimsLogin(d: Deployment): Promise<string> {
  const { rows } = await d.canary.query<{ usename: string }>(
    `SELECT usename FROM pg_stat_activity
     WHERE usename LIKE 'sbxrole\\_%' AND query LIKE '%victim_rows%' LIMIT 1`,
  );
  return rows[0]?.usename ?? never();
}

function never(): never {
  throw new Error('somebody is missing on stage');
}
