import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { optionsOf } from '../../scripts/options.ts';
import { play, type WayName } from './play.ts';
import { readScenario, scenarioFiles, writeGolden } from './scenario.ts';
import { type Company, startCompany, startWorld } from './world.ts';

/**
 * `npm run scenarios`: plays every scenarios/*.yaml against a real PostgreSQL and volume service, in process and through
 * MCP; both must leave the golden ledger of the file. `--update` rewrites it; the diff is what a human reviews.
 */
export const FOLDER = join(import.meta.dirname, '../../scenarios');
const WAYS: readonly WayName[] = ['in-process', 'mcp'];

/** Throws with the place at the first difference. */
export async function check(path: string, company: Company, update: boolean): Promise<void> {
  const scenario = readScenario(await readFile(path, 'utf8'), basename(path));
  let golden = scenario.ledger;
  for (const way of WAYS) {
    const world = await startWorld(company, scenario, FOLDER);
    try {
      const ledger = await play(scenario, world, way);
      if (update && way === WAYS[0]) {
        await writeGolden(path, ledger);
        golden = ledger;
      }
      if (ledger !== golden)
        throw new Error(`the ledger differs (${way})\n${difference(golden ?? '', ledger)}`);
    } finally {
      await world.stop();
    }
  }
}

function difference(expected: string, got: string): string {
  const [a, b] = [expected.split('\n'), got.split('\n')];
  const at = a.findIndex((line, index) => line !== b[index]);
  const line = at === -1 ? a.length : at;
  return `  line ${line + 1}\n  expected  ${a[line] ?? '(end)'}\n  got       ${b[line] ?? '(end)'}`;
}

async function main(): Promise<void> {
  const options = {
    update: { type: 'boolean' },
    json: { type: 'boolean' },
    only: { type: 'string' },
  } as const;
  const values = optionsOf(import.meta.filename, options);
  const files = (await scenarioFiles(FOLDER)).filter(
    (path) => values.only === undefined || path.includes(values.only),
  );
  const company = await startCompany();
  const results: { scenario: string; ok: boolean; ms: number; error?: string }[] = [];
  try {
    for (const path of files) {
      const started = performance.now();
      const error = await check(path, company, values.update === true).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown)),
      );
      const ms = Math.round(performance.now() - started);
      results.push({
        scenario: basename(path, '.yaml'),
        ok: error === undefined,
        ms,
        ...(error === undefined ? {} : { error }),
      });
      process.stderr.write(
        `${error === undefined ? 'ok  ' : 'FAIL'}  ${basename(path).padEnd(28)} ${String(ms).padStart(6)} ms${error === undefined ? '' : `\n      ${error}`}\n`,
      );
    }
  } finally {
    await company.stop();
  }
  const ok = results.length > 0 && results.every((result) => result.ok);
  if (values.json === true) console.log(JSON.stringify({ ok, ways: WAYS, scenarios: results }));
  process.exitCode = ok ? 0 : 1;
}

if (import.meta.main) await main();
