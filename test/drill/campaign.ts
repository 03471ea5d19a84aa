/** Drill after drill on one deployment, then the same in bad weather; and what they came to together. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeConnections } from '../crash/wire.ts';
import { ADVERSITIES } from './adversities.ts';
import { type Crew, dismiss, hire } from './cast.ts';
import { type Deployment, deploy } from './deployment.ts';
import { deskOf } from './desk.ts';
import { type Drilled, FAIR, oneDrill } from './one-drill.ts';

export interface Plan {
  readonly sources: string;
  readonly runs: number;
  readonly adversities: readonly string[] | 'all';
}

interface Spread {
  readonly p50: number;
  readonly max: number;
}

interface Tally {
  readonly runs: number;
  readonly timeToInertMs: Spread;
  readonly parts: {
    readonly gate: Spread;
    readonly inflight: Spread;
    readonly issuer: Spread;
    readonly effect: Spread;
  };
  readonly effectsAfter: number;
  /** Each probe once, with what came where it was not refused. */
  readonly probes: readonly {
    readonly name: string;
    readonly refused: boolean;
    readonly got?: string;
  }[];
  readonly othersUnaffected: boolean;
  readonly problems: readonly string[];
}

export interface Report extends Tally {
  readonly replicas: number;
  readonly agents: {
    readonly agents: number;
    readonly subAgents: number;
    readonly bystanders: number;
  };
  /** Credentials that were minted for the halted agent and revoked, over all runs. */
  readonly leases: number;
  /** What the broker is at the target; it must not be a superuser. */
  readonly broker: { readonly superuser: boolean };
  readonly leakedRoles: number;
  readonly adversities: { readonly [name: string]: Tally };
  readonly seconds: number;
}

const REPLICAS = 3;

export async function runCampaign(plan: Plan, tell: (line: string) => void): Promise<Report> {
  const started = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-drill-'));
  const crew = hire();
  try {
    const d = await deploy({ folder, sources: plan.sources, replicas: REPLICAS });
    tell(`up: ${REPLICAS} replicas on one PostgreSQL`);
    try {
      return await campaign(d, crew, plan, tell, started);
    } catch (error) {
      for (const { said } of d.replicas) tell(said);
      throw error;
    } finally {
      await d.stop();
    }
  } finally {
    dismiss(crew);
    await closeConnections();
    await rm(folder, { recursive: true, force: true });
  }
}

async function campaign(
  d: Deployment,
  crew: Crew,
  { runs, adversities }: Plan,
  tell: (line: string) => void,
  started: number,
): Promise<Report> {
  const desk = deskOf(d.operator.key);
  const fair: Drilled[] = [];
  for (let run = 0; run < runs; run++) {
    const drilled = await oneDrill(d, crew, desk, run, FAIR);
    fair.push(drilled);
    tell(`drill ${run + 1} of ${runs}: ${partsText(drilled)}${flaws(drilled)}`);
  }
  const bad: { [name: string]: Tally } = {};
  for (const [name, make] of Object.entries(ADVERSITIES)) {
    if (adversities !== 'all' && !adversities.includes(name)) continue;
    const drilled = await oneDrill(d, crew, desk, runs, make());
    bad[name] = tallyOf([drilled]);
    tell(`${name}: ${partsText(drilled)}${flaws(drilled)}`);
  }
  return {
    ...tallyOf(fair),
    replicas: d.replicas.length,
    agents: {
      agents: crew.agents.length,
      subAgents: crew.subAgents.length,
      bystanders: crew.bystanders.length,
    },
    leases: fair.reduce((sum, { leases }) => sum + leases, 0),
    broker: { superuser: await d.canary.isSuperuser() },
    leakedRoles: (await d.canary.mintedLogins()).length,
    adversities: bad,
    seconds: Math.round((performance.now() - started) / 1_000),
  };
}

function partsText({ timeToInertMs, parts, lastEffect }: Drilled): string {
  const ms = (value: number): string => value.toFixed(0);
  const { gate, inflight, issuer, effect } = parts;
  const four = `gate ${ms(gate)}, in flight ${ms(inflight)}, issuers ${ms(issuer)}, last effect ${ms(effect)}`;
  return `inert after ${ms(timeToInertMs)} ms (${four}: ${lastEffect})`;
}

function flaws({ probes, problems, effectsAfter, firstAfter }: Drilled): string {
  const open = probes.filter(({ refused }) => !refused).map(({ name, got }) => `${name}: ${got}`);
  const found = [
    ...problems,
    ...open,
    ...(effectsAfter > 0 ? [`${effectsAfter} effects after it (${firstAfter})`] : []),
  ];
  return found.length === 0 ? '' : ` BUT ${found.join('; ')}`;
}

function tallyOf(drills: readonly Drilled[]): Tally {
  const spread = (of: (drilled: Drilled) => number): Spread => {
    const sorted = drills.map(of).sort((a, b) => a - b);
    return { p50: round(sorted[Math.floor(sorted.length / 2)]), max: round(sorted.at(-1)) };
  };
  return {
    runs: drills.length,
    timeToInertMs: spread(({ timeToInertMs }) => timeToInertMs),
    parts: {
      gate: spread(({ parts }) => parts.gate),
      inflight: spread(({ parts }) => parts.inflight),
      issuer: spread(({ parts }) => parts.issuer),
      effect: spread(({ parts }) => parts.effect),
    },
    effectsAfter: drills.reduce((sum, { effectsAfter }) => sum + effectsAfter, 0),
    probes: probesOf(drills),
    othersUnaffected: drills.every(({ othersUnaffected }) => othersUnaffected),
    problems: [...new Set(drills.flatMap(({ problems }) => problems))],
  };
}

function probesOf(drills: readonly Drilled[]): Tally['probes'] {
  const byName = Map.groupBy(
    drills.flatMap(({ probes }) => probes),
    ({ name }) => name,
  );
  return [...byName].map(([name, probes]) => {
    const open = probes.find(({ refused }) => !refused);
    return open === undefined
      ? { name, refused: true }
      : { name, refused: false, got: open.got ?? '' };
  });
}

/** Never inert is told as such, not as a number that JSON cannot hold. */
function round(ms: number | undefined): number {
  return Number.isFinite(ms) ? Math.round((ms ?? 0) * 10) / 10 : Number.MAX_SAFE_INTEGER;
}
