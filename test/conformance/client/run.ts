/** One revision's client scenarios, scored ones only. `node test/conformance/client/run.ts 2026-07-28` prints what it found. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { judgeLeg } from '../judge.ts';
import { type Revision, scored } from '../requirements.ts';
import { type Findings, runSuite } from '../suite.ts';
import { ENDS, type End } from './end.ts';

const DRIVER = fileURLToPath(new URL('driver.ts', import.meta.url));
/** All start at once; on a loaded machine most of that is starting Node. */
const SCENARIO_MS = 150_000;
const LEG_MS = 170_000;

export interface ClientRun {
  readonly passed: number;
  readonly failed: number;
  readonly scenarios: readonly {
    readonly scenario: string;
    readonly ok: boolean;
    readonly why: readonly string[];
  }[];
}

/**
 * What the suite found, with what it does not look at in a whole set of scenarios: whether the client got through, or was
 * refused where it should be. A client that never came far enough to be checked has not passed.
 */
export async function clientFindings(revision: Revision): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ends-'));
  const ends = join(folder, 'ends.jsonl');
  try {
    process.env[ENDS] = ends;
    const command = `${process.execPath} ${DRIVER}`;
    const options = ['--requirements', revision, '--timeout', String(SCENARIO_MS)];
    const found = await runSuite(['client', '--command', command, ...options], LEG_MS);
    return withEnds(found, readFileSync(ends, 'utf8'));
  } finally {
    delete process.env[ENDS];
    rmSync(folder, { recursive: true, force: true });
  }
}

function withEnds(found: Findings, text: string): Findings {
  const lines = text.split('\n').filter((line) => line !== '');
  const ends = lines.map((line) => JSON.parse(line) as End);
  return new Map(
    [...found].map(([scenario, { failures, warnings }]) => {
      const end = ends.find((one) => one.scenario === scenario);
      const problem = end === undefined ? 'the driver did not come to an end' : end.problem;
      const more = problem === null ? [] : [`client: ${problem}`];
      return [scenario, { failures: [...failures, ...more], warnings }];
    }),
  );
}

export async function runClient(revision: Revision): Promise<ClientRun> {
  const names = scored(revision, 'client');
  const findings = await clientFindings(revision);
  const { passed, failed, failing, warnings } = judgeLeg('client', names, findings, []);
  for (const warning of warnings) console.error(`warned ${warning}`);
  const scenarios = names.map((scenario) => {
    const why = failing.find((one) => one.scenario === scenario)?.why ?? [];
    return { scenario, ok: why.length === 0, why };
  });
  return { passed, failed, scenarios };
}

if (import.meta.main) {
  const revisions: readonly Revision[] = ['2025-11-25', '2026-07-28'];
  const asked = revisions.find((revision) => revision === process.argv[2]);
  for (const revision of asked === undefined ? revisions : [asked]) {
    const { passed, failed, scenarios } = await runClient(revision);
    for (const { scenario, ok, why } of scenarios)
      if (!ok) console.log(`failed ${scenario}\n  ${why.join('\n  ')}`);
    console.log(`${revision}: ${passed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  }
}
