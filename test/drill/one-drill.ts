/**
 * One drill: everybody at work → the halt → everything that it must have stopped is tried again, for real → what the target
 * saw is read. Times are milliseconds after the operator's order was sent, on one machine's clock.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HaltReport } from '../../src/broker/broker.ts';
import type { Effect } from './canary.ts';
import { assemble, type Cast, type Crew } from './cast.ts';
import { VICTIM } from './config.ts';
import type { Deployment } from './deployment.ts';
import type { Desk } from './desk.ts';
import { afterResume, type Probe, probes, unaffected } from './probes.ts';
import type { Loot } from './thief.ts';
import type { Account } from './worker.ts';

export interface Drilled {
  readonly parts: {
    readonly gate: number;
    readonly inflight: number;
    readonly issuer: number;
    readonly effect: number;
  };
  readonly timeToInertMs: number;
  /** Of the victim, by the target's clock, after gate, flights and credentials were all confirmed over. */
  readonly effectsAfter: number;
  readonly firstAfter: string | null;
  readonly lastEffect: string;
  readonly probes: readonly Probe[];
  readonly othersUnaffected: boolean;
  readonly leases: number;
  readonly problems: readonly string[];
}

/** What is done to the deployment around the halt: a partition, a suspension. */
export interface Adversity {
  /** Replicas that this drill does not give orders to, nor counts as reachable for bystanders. */
  readonly afflicted: number | null;
  /** Answers that a target still gives to a machine that stands still are taken by nobody. */
  readonly answersCount: boolean;
  /** Before anybody is on stage. */
  ready(d: Deployment): Promise<void>;
  before(d: Deployment): Promise<void>;
  /** When the halt has been answered; the effects of what follows count. */
  after(d: Deployment): Promise<void>;
}

export const FAIR: Adversity = {
  afflicted: null,
  answersCount: true,
  ready: async () => {},
  before: async () => {},
  after: async () => {},
};

const INERT_WITHIN_MS = 12_000;
/** How long everybody goes on trying after everything was said to be over. */
const WATCHED_MS = 250;
const SCOPE = `agent:${VICTIM}`;

export async function oneDrill(
  d: Deployment,
  crew: Crew,
  desk: Desk,
  n: number,
  adversity: Adversity = FAIR,
): Promise<Drilled> {
  await adversity.ready(d);
  const began = Date.now();
  const ordering = adversity.afflicted === null ? n : adversity.afflicted + 1;
  const url = d.operatorsUrl(ordering);
  const cast = await assemble(d, crew, began);
  await adversity.before(d);

  const t0 = Date.now();
  const report = await desk.halt(url, SCOPE, `drill ${n}`);
  const answered = Date.now() - t0;
  const inert = await inertAt(desk, url, report, t0);
  await adversity.after(d);
  await sleep(WATCHED_MS);

  const workers = [...crew.agents, ...crew.subAgents];
  const accounts = await Promise.all(workers.map((worker) => worker.account(t0)));
  const within = accounts.filter(
    (_, agent) => placeOf(agent) % d.replicas.length !== adversity.afflicted,
  );
  const others = await Promise.all(crew.bystanders.map((worker) => worker.account(t0)));
  const tried = await probes({ d, cast, accounts, desk, n: ordering, adversity });
  const spared = await unaffected({ d, cast, accounts: others, desk, n: ordering, adversity });
  const loot = await crew.thief.stop();
  for (const worker of workers) await worker.stop();
  await cast.held.release();
  const late = (await d.canary.hits(cast.held.slot)) > 0;
  const effects = (await d.canary.effects(t0)).filter(
    ({ who, what }) => who === 'victim' && (adversity.answersCount || !what.endsWith('/finished')),
  );
  await desk.resume(url, SCOPE, 'the drill is over');
  const after = await afterResume(d, desk, ordering, cast);
  await struck(d, crew, desk, cast);
  return measured({
    t0,
    answered,
    inert,
    report,
    accounts: within,
    gates: gateOf(accounts, d.replicas.length, adversity.afflicted),
    loot,
    effects,
    probes: [...tried, { name: 'a write that waited for a lock', refused: !late }, ...after],
    spared,
    missing: cast.missing,
  });
}

/** When the deployment itself says that the scope is inert; null when it does not within our patience. */
async function inertAt(
  desk: Desk,
  url: string,
  report: HaltReport,
  t0: number,
): Promise<number | null> {
  if (report.inertMs !== null) return Date.now() - t0;
  while (Date.now() - t0 < INERT_WITHIN_MS) {
    if ((await desk.halted(url, SCOPE)) === 'inert') return Date.now() - t0;
    await sleep(10);
  }
  return null;
}

interface Raw {
  readonly t0: number;
  readonly answered: number;
  readonly inert: number | null;
  readonly report: HaltReport;
  /** Of those who call a replica that is well. */
  readonly accounts: readonly Account[];
  readonly gates: readonly (number | null)[];
  readonly loot: Loot;
  readonly effects: readonly Effect[];
  readonly probes: readonly Probe[];
  readonly spared: readonly string[];
  readonly missing: readonly string[];
}

function measured(raw: Raw): Drilled {
  const { t0, inert, report, accounts, loot, effects } = raw;
  const since = (at: number | null): number => (at === null ? 0 : Math.max(0, at - t0));
  const gate = Math.max(report.gateMs, ...raw.gates.map(since));
  const inflight = Math.max(0, ...accounts.map(({ inFlightUntil }) => since(inFlightUntil)));
  const issuer = Math.max(inert ?? Number.POSITIVE_INFINITY, since(loot.endedAt));
  const confirmed = Math.max(gate, inflight, issuer);
  const last = effects.reduce((latest, { at }) => Math.max(latest, at), t0);
  const after = effects.filter(({ at }) => at > t0 + confirmed);
  const problems = [
    ...raw.missing,
    ...(inert === null ? [`not inert after ${INERT_WITHIN_MS} ms`] : []),
    ...(accounts.some(({ isFlying }) => isFlying) ? ['a call was still in the air'] : []),
    ...(loot.endedAt === null ? ['the thief was never thrown out'] : []),
    ...raw.spared,
  ];
  return {
    parts: { gate, inflight, issuer, effect: last - t0 },
    timeToInertMs: Math.max(confirmed, last - t0),
    effectsAfter: after.length,
    lastEffect: lastOf(effects),
    firstAfter: after[0] === undefined ? null : `${after[0].by} ${after[0].what}`,
    probes: raw.probes,
    othersUnaffected: raw.spared.length === 0,
    leases: report.leases.length,
    problems,
  };
}

/** When each replica that is well was first heard to refuse: the earliest answer of any agent that calls there. */
function gateOf(
  accounts: readonly Account[],
  replicas: number,
  afflicted: number | null,
): (number | null)[] {
  return Array.from({ length: replicas }, (_, replica) => {
    if (replica === afflicted) return null;
    const here = accounts
      .filter((_account, n) => placeOf(n) % replicas === replica)
      .flatMap(({ firstRefusedAt }) => (firstRefusedAt === null ? [] : [firstRefusedAt]));
    return here.length === 0 ? null : Math.min(...here);
  });
}

/** Agents call the replica of their number; sub-agents, who come after them, the next one. */
function placeOf(n: number): number {
  return n < 8 ? n : n - 8 + 1;
}

async function struck(d: Deployment, crew: Crew, desk: Desk, cast: Cast): Promise<void> {
  for (const worker of crew.bystanders) await worker.stop();
  const over = [...cast.runs, ...cast.subRuns, ...cast.others];
  await Promise.all(over.map(({ id }, n) => desk.endRun(d.operatorsUrl(n), id)));
}

function lastOf(effects: readonly Effect[]): string {
  const last = effects.toSorted((a, b) => a.at - b.at).at(-1);
  return last === undefined ? 'none' : `${last.by} ${last.what}`;
}
