/**
 * `npm run sim -- [--seeds N] [--from S] [--short] [--json] [--plant BUG] [--unplanted] [--jobs N]`, or `--seed S [--plant BUG]`
 *
 * The simulator: production code (broker, judge, limits, ledger, leases and the SQLite store's core) on one thread, in a
 * world that a seed decides. Time, timers, ids and randomness are simulated; so are agents, operators, targets and the
 * issuer of credentials. Each seed draws which faults it has and how often: crashes between any two things that happen,
 * commits that fail or whose answers are lost, full queues, slow or lost answers of targets, hangs, revocations that do
 * not succeed, clock jumps; and halts, resumes, applies and ends of runs at any moment, halt files and signals
 * (`machine.ts`). Half of the seeds have two replicas
 * on one store (`shared-store.ts`): requests and answers slow, late or lost, notices lost or doubled, one of them cut off from
 * the store or stopped for a while, clocks that jump for one alone.
 *
 *   safety    every commit and every effect is checked as it happens, by the names of the design's invariants
 *   liveness  the faults stop; everything must come to rest in bounded simulated time, halted scopes inert
 *   controls  what is allowed then works: one read, one approved destruction
 *   evidence  all chains verify, and replaying them gives the tables
 *
 * A life (`life.ts`) has a world (`world.ts`), a disk that survives crashes (`disk.ts`), targets that count effects by
 * their own word (`witness.ts`) and, for each replica, one incarnation of Signalbox after the other (`house.ts`). Checks:
 * `store-watch.ts`, `target-watch.ts`, `intent-checks.ts`, `agents.ts`, `usage-check.ts`, `phases.ts`. A planted bug
 * (`plants.ts`) sits at the seams and must be found within 500 seeds, those of several replicas within 2,000, or this exits
 * with 1. So does any violation: it prints the seed, the invariant, the last lines of the trace and the command that replays
 * it. `--seed S` prints that trace at any rate. Seeds are lived on `--jobs` threads (`crew.ts`), as many as there are cores;
 * what comes of them does not depend on it.
 */

import { availableParallelism } from 'node:os';
import { oneOf, optionsOf, wholeOf } from '../../scripts/options.ts';
import { type Campaign, findPlanted, runSeeds } from './campaign.ts';
import { Crew } from './crew.ts';
import { PLANT_NAMES, type PlantName } from './plants.ts';
import { runSeed, type SeedReport } from './seed.ts';

const values = optionsOf(import.meta.filename, {
  seeds: { type: 'string' },
  from: { type: 'string', default: '1' },
  seed: { type: 'string' },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  plant: { type: 'string' },
  unplanted: { type: 'boolean', default: false },
  jobs: { type: 'string', default: String(availableParallelism()) },
});

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const bug = values.plant === undefined ? null : oneOf('plant', PLANT_NAMES, values.plant);

if (values.seed !== undefined) await replay(wholeOf('seed', values.seed), bug);
else await campaign();

async function replay(seed: number, bug: PlantName | null): Promise<void> {
  const report = await runSeed(seed, bug);
  if (values.json) console.log(JSON.stringify(report));
  else explain(report, bug);
  process.exitCode = report.violation === null ? 0 : 1;
}

async function campaign(): Promise<void> {
  const started = performance.now();
  const count = wholeOf('seeds', values.seeds ?? (values.short ? 300 : 2_000));
  const onlyPlanted = bug !== null;
  const crew = new Crew(wholeOf('jobs', values.jobs, 1));
  const telling = { failed: (report: SeedReport) => explain(report, null), told: tell };
  const from = wholeOf('from', values.from);
  const result: Campaign = await runSeeds(onlyPlanted ? 0 : count, from, telling, crew.live);
  const bugs = values.unplanted ? [] : onlyPlanted ? [bug] : PLANT_NAMES;
  const planted = await findPlanted(bugs, tell, crew.live);
  await crew.dismiss();
  const ms = Math.round(performance.now() - started);
  const report = { ...result, planted, ms };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
  const missed = Object.values(planted).some(({ foundAtSeed }) => foundAtSeed === null);
  process.exitCode = result.violations > 0 || missed ? 1 : 0;
}

function print({
  planted,
  faults,
  broke,
  failing,
  ...figures
}: Campaign & { planted: object }): void {
  for (const [name, value] of Object.entries({ ...figures, ...faults }))
    console.log(`${name.padEnd(24)} ${value}`);
  for (const [bug, found] of Object.entries(planted))
    console.log(`planted ${bug.padEnd(24)} ${JSON.stringify(found)}`);
  for (const [invariant, times] of Object.entries(broke))
    console.log(`broke ${invariant.padEnd(26)} ${times}`);
  if (failing.length > 0) console.log(`failing ${failing.join(' ')}`);
}

function explain({ seed, violation, last, trace }: SeedReport, bug: PlantName | null): void {
  for (const line of last) tell(line);
  if (violation === null) {
    tell(`seed ${seed}: clean, trace ${trace.slice(0, 16)}`);
    return;
  }
  tell(`\nseed ${seed} broke ${violation.invariant}: ${violation.detail}`);
  tell(`replay: npm run sim -- --seed ${seed}${bug === null ? '' : ` --plant ${bug}`}\n`);
}
