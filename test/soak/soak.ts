/** The soak: everything at once for a while, then quiet, then the accounts of ledger and target side by side. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeConnections, member, send } from '../crash/wire.ts';
import { type Deployment, deploy } from '../drill/deployment.ts';
import { type Desk, deskOf } from '../drill/desk.ts';
import { type Chaos, makeChaos } from './chaos.ts';
import { LIMITS } from './limits.ts';
import { startLoad } from './load.ts';
import { type Watched, watch } from './watch.ts';

export interface Report {
  readonly minutes: number;
  readonly replicas: number;
  readonly chaos: Chaos;
  readonly watched: Watched;
  /** Writes at the target, and what the ledger says became of them. */
  readonly effects: {
    readonly atTarget: number;
    readonly done: number;
    readonly unknown: number;
    readonly open: number;
  };
  readonly ledger: { readonly ok: boolean; readonly problems: readonly string[] };
  readonly leakedRoles: number;
  readonly leakedReservations: number;
  readonly heard: { readonly [what: string]: number };
}

const REPLICAS = 3;
const SETTLED_WITHIN_MS = 90_000;
/** Every record of half an hour is read and hashed again, on a machine that may be busy. */
const VERIFIED_WITHIN_MS = 600_000;
/** Memory may settle by this; what grows without end passes it soon. */
const MAY_GROW = 0.2;

export async function runSoak(lastsMs: number, tell: (line: string) => void): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-soak-'));
  try {
    const sources = join(import.meta.dirname, '../..');
    const d = await deploy({ folder, sources, replicas: REPLICAS, limits: LIMITS });
    tell(`up: ${REPLICAS} replicas on one PostgreSQL, for ${lastsMs / 60_000} minutes`);
    try {
      return await soak(d, lastsMs, tell);
    } catch (error) {
      for (const { said } of d.replicas) tell(said);
      throw error;
    } finally {
      await d.stop();
    }
  } finally {
    await closeConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

async function soak(d: Deployment, lastsMs: number, tell: (line: string) => void): Promise<Report> {
  const desk = deskOf(d.operator.key);
  const until = Date.now() + lastsMs;
  const load = startLoad(d);
  const [chaos, watched] = await Promise.all([
    makeChaos(d, desk, until, tell),
    watch(d, until, lastsMs / 4),
  ]);
  await load.stop();
  tell('quiet');
  await settled(d, desk);
  const count = async (sql: string): Promise<number> => {
    const { rows } = await d.store.query<{ n: number }>(sql, [], 'signalbox');
    return rows[0]?.n ?? 0;
  };
  const writes = (states: string): Promise<number> =>
    count(`SELECT count(*)::int AS n FROM actions WHERE purpose = 'execute'
      AND tool LIKE 'mark\\_%' AND state IN (${states})`);
  const { rows: marks } = await d.canary.query<{ n: number }>(
    'SELECT ((SELECT count(*) FROM victim_marks) + (SELECT count(*) FROM other_marks))::int AS n',
  );
  const ledger = await verified(d);
  return {
    minutes: lastsMs / 60_000,
    replicas: d.replicas.length,
    chaos,
    watched,
    effects: {
      atTarget: marks[0]?.n ?? 0,
      done: await writes("'done'"),
      unknown: await writes("'unknown'"),
      open: await writes("'open', 'running'"),
    },
    ledger,
    leakedRoles: (await d.canary.mintedLogins()).length,
    leakedReservations: await count('SELECT count(*)::int AS n FROM usage WHERE pending > 0'),
    heard: Object.fromEntries([...load.heard].toSorted()),
  };
}

async function verified(d: Deployment): Promise<Report['ledger']> {
  const url = `${d.operatorsUrl(0)}/api/ledger/verify`;
  const reply = await send('GET', url, d.operator.key, undefined, {}, VERIFIED_WITHIN_MS);
  if (reply?.status !== 200)
    return { ok: false, problems: [`no answer: ${JSON.stringify(reply)}`] };
  const problems = member(reply.body, 'problems');
  return {
    ok: reply.body.ok === true,
    problems: Array.isArray(problems) ? problems.map(String).slice(0, 20) : [],
  };
}

/** Every run over, every intent with its outcome, every credential dead. */
async function settled(d: Deployment, desk: Desk): Promise<void> {
  const until = Date.now() + SETTLED_WITHIN_MS;
  while (Date.now() < until) {
    const url = d.operatorsUrl(0);
    const live = member(
      (await send('GET', `${url}/api/runs?state=live`, d.operator.key))?.body,
      'runs',
    );
    if (Array.isArray(live))
      for (const one of live) await desk.endRun(url, String(member(one, 'run', 'id')));
    const status = (await send('GET', `${url}/api/status`, d.operator.key))?.body;
    const left = ['openIntents', 'leases'].map((what) => member(status, what));
    const isOver = left.every((list) => Array.isArray(list) && list.length === 0);
    if (isOver && Array.isArray(live) && live.length === 0) return;
    await sleep(500);
  }
}

/** What of the claims does not hold, in words; a soak in which nothing happened proves nothing. */
export function problemsOf(report: Report): string[] {
  const { chaos, watched, effects, ledger, leakedRoles, leakedReservations, heard } = report;
  const says = (holds: boolean, otherwise: string): string[] => (holds ? [] : [otherwise]);
  return [
    ...says(ledger.ok, `the ledger does not hold: ${ledger.problems.join('; ')}`),
    ...says(watched.passed.length === 0, `limits were passed: ${watched.passed.join(', ')}`),
    ...says(watched.samples > 0, 'the limits were never looked at'),
    ...says(
      effects.atTarget >= effects.done && effects.atTarget <= effects.done + effects.unknown,
      `${effects.atTarget} effects at the target, ${effects.done} done and ${effects.unknown} unknown`,
    ),
    ...says(effects.done > 0, 'nothing was ever written'),
    ...says(effects.open === 0, `${effects.open} intents were still open`),
    ...says(leakedRoles === 0, `${leakedRoles} minted logins were left at the target`),
    ...says(leakedReservations === 0, `${leakedReservations} reservations were never settled`),
    ...says(
      watched.memory.growth <= MAY_GROW,
      `memory grew by ${Math.round(watched.memory.growth * 100)} %`,
    ),
    ...says(
      chaos.halts > 0 && chaos.kills > 0 && chaos.storeRestarts > 0,
      'nothing went wrong on purpose',
    ),
    ...says(chaos.faults.length === 0, `chaos: ${chaos.faults.join('; ')}`),
    ...says(
      Object.keys(heard).some((what) => / refused (?!HALTED)/.test(what)),
      'no run ever came to its limit',
    ),
  ];
}
