import type { Live } from './crew.ts';
import { foundWithin, type PlantName } from './plants.ts';
import { runSeed, type SeedReport } from './seed.ts';
import type { Invariant, Tally } from './world.ts';

const PROGRESS_EVERY = 100;
const MOST_EXPLAINED = 3;
/** Seeds that are being lived or wait for those before them to be told. */
const MOST_AHEAD = 32;

/** `faults`: how often each thing happened over all seeds. `broke`: violations by invariant. */
export interface Campaign {
  readonly seeds: number;
  readonly violations: number;
  readonly faults: Tally;
  readonly broke: { [invariant: string]: number };
  readonly failing: readonly number[];
  /** Hash over the traces of all seeds: two campaigns over the same code agree. */
  readonly trace: string;
}

export interface Telling {
  readonly failed: (report: SeedReport) => void;
  readonly told: (line: string) => void;
}

export type Planted = {
  [bug in PlantName]?: { readonly foundAtSeed: number | null; readonly broke: Invariant | null };
};

/** Told in the order of the seeds, whoever lived them. */
export async function runSeeds(
  count: number,
  from: number,
  telling: Telling,
  live: Live = runSeed,
): Promise<Campaign> {
  const faults: Tally = { crashes: 0, lostAnswers: 0, failedCommits: 0, halts: 0 };
  const broke: { [invariant: string]: number } = {};
  const failing: number[] = [];
  let trace = 0;
  const ahead: Promise<SeedReport>[] = [];
  let next = from;
  for (let seed = from; seed < from + count; seed++) {
    while (ahead.length < MOST_AHEAD && next < from + count) ahead.push(live(next++, null));
    const report = await (ahead.shift() as Promise<SeedReport>);
    trace = Math.imul(trace, 31) + Number.parseInt(report.trace.slice(0, 8), 16);
    for (const [what, times] of Object.entries(report.tally))
      faults[what] = (faults[what] ?? 0) + times;
    if (report.violation !== null) {
      const { invariant } = report.violation;
      failing.push(seed);
      broke[invariant] = (broke[invariant] ?? 0) + 1;
      if (failing.length <= MOST_EXPLAINED) telling.failed(report);
    }
    const done = seed - from + 1;
    if (done % PROGRESS_EVERY === 0) telling.told(`${done} seeds, ${failing.length} failing`);
  }
  const digest = (trace >>> 0).toString(16);
  return { seeds: count, violations: failing.length, faults, broke, failing, trace: digest };
}

/** For each bug the first seed that breaks with it and not without it. */
export async function findPlanted(
  bugs: readonly PlantName[],
  told: (line: string) => void,
  live: Live = runSeed,
): Promise<Planted> {
  const findings = bugs.map(async (bug) => {
    const found = await firstFinding(bug, live);
    told(
      found === null ? `${bug}: NOT FOUND` : `${bug}: seed ${found.foundAtSeed} (${found.broke})`,
    );
    return [bug, found ?? { foundAtSeed: null, broke: null }] as const;
  });
  return Object.fromEntries(await Promise.all(findings));
}

async function firstFinding(
  bug: PlantName,
  live: Live,
): Promise<{ readonly foundAtSeed: number; readonly broke: Invariant } | null> {
  for (let seed = 1; seed <= foundWithin(bug); seed++) {
    const { violation } = await live(seed, bug);
    if (violation === null || (await live(seed, null)).violation !== null) continue;
    return { foundAtSeed: seed, broke: violation.invariant };
  }
  return null;
}
