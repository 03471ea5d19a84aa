/**
 * `npm run bench -- replicas [--json] [--short]`
 *
 * What a second replica costs: the same reads on one replica and on two, one PostgreSQL store under both, in rounds. The
 * load, the store's server and the target share the cores of this machine with the replicas, so the ratio of calls says
 * how far they let a second one go; processor time of the replicas for each call says what it costs.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { optionsOf } from '../../scripts/options.ts';
import { callTool, type RunHandle } from '../../test/crash/agent.ts';
import { closeConnections } from '../../test/crash/wire.ts';
import { begin } from '../../test/drill/cast.ts';
import { getPage } from '../../test/drill/config.ts';
import { type Deployment, deploy } from '../../test/drill/deployment.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
});
const ROUNDS = values.short ? 3 : 6;
const WINDOW_MS = values.short ? 1_500 : 4_000;
const WARM_UP_MS = values.short ? 1_500 : 4_000;
/** For each replica: half the load each would show how batches shrink, not what a second replica costs. */
const CONNECTIONS = 32;
/** Ticks of the processor clock a second, as Linux tells times of processes. */
const TICKS = 100;

interface Row {
  readonly replicas: number;
  readonly round: number;
  readonly rps: number;
  readonly p50ms: number;
  readonly p99ms: number;
  /** Processor time of the replicas for each call, µs. */
  readonly cpuUs: number;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** Keeps every connection busy for a while, dealt out over so many replicas. */
async function windowOf(
  d: Deployment,
  runs: readonly RunHandle[],
  replicas: number,
  ms: number,
): Promise<Omit<Row, 'round'>> {
  const took: number[] = [];
  const faults: string[] = [];
  const { tool, args } = getPage('other');
  const before = await cpuOf(d, replicas);
  const started = performance.now();
  const until = started + ms;
  await Promise.all(
    Array.from({ length: CONNECTIONS * replicas }, async (_, n) => {
      const run = runs[n % runs.length];
      if (run === undefined) throw new Error('there is no run');
      for (let now = performance.now(); now < until; ) {
        const said = await callTool(d.agentsUrl(n % replicas), run, tool, args);
        if (said.kind !== 'done') faults.push(JSON.stringify(said));
        const then = performance.now();
        took.push(then - now);
        now = then;
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  const spent = (await cpuOf(d, replicas)) - before;
  if (faults.length > 0) throw new Error(`${faults.length} calls were not done: ${faults[0]}`);
  took.sort((a, b) => a - b);
  const at = (part: number): number => took[Math.floor(took.length * part)] ?? Number.NaN;
  return {
    replicas,
    rps: took.length / seconds,
    p50ms: at(0.5),
    p99ms: at(0.99),
    cpuUs: spent / took.length,
  };
}

/** Microseconds of processor time of the first so many replicas, all of their threads. */
async function cpuOf({ replicas }: Deployment, count: number): Promise<number> {
  const each = replicas.slice(0, count).map(async ({ pid }) => {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const [user = 0, system = 0] = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    return ((user + system) * 1_000_000) / TICKS;
  });
  return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
}

async function measure(d: Deployment): Promise<object> {
  const runs = await Promise.all(
    Array.from({ length: 8 }, (_, n) => begin(d, n, d.secrets.bystander, 'bench')),
  );
  const rows: Row[] = [];
  for (const replicas of [1, 2]) await windowOf(d, runs, replicas, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++)
    for (const replicas of round % 2 === 0 ? [1, 2] : [2, 1]) {
      rows.push({ round, ...(await windowOf(d, runs, replicas, WINDOW_MS)) });
      process.stderr.write(`round ${round + 1} of ${ROUNDS}, ${replicas} replicas\n`);
    }
  const of = (replicas: number, what: 'rps' | 'cpuUs'): number =>
    median(rows.filter((row) => row.replicas === replicas).map((row) => row[what]));
  const ratios = {
    cpuPerCall: of(2, 'cpuUs') / of(1, 'cpuUs'),
    throughput: of(2, 'rps') / of(1, 'rps'),
  };
  return { ratios, cores: availableParallelism(), shared: SHARED, rows };
}

const SHARED = 'load, store server and target share the cores with the replicas';

const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
try {
  const sources = join(import.meta.dirname, '../..');
  const d = await deploy({ folder, sources, replicas: 2 });
  try {
    const found = await measure(d);
    console.log(JSON.stringify(found, null, values.json ? 0 : 2));
  } finally {
    await d.stop();
  }
} finally {
  await closeConnections();
  await rm(folder, { recursive: true, force: true });
}
