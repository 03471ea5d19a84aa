/**
 * `npm run conformance -- mcp [--json] [--short] [--leg NAME]`: the gateway held against the pinned conformance suite.
 * Scored scenarios only; `--short` leaves the client legs out. Exit 0 only when none fails unexpectedly and no expected failure passes.
 */

import { fileURLToPath } from 'node:url';
import { oneOf, optionsOf } from '../../scripts/options.ts';
import { readExpected } from './expected.ts';
import { brokenLeg, judgeLeg, type LegResult } from './judge.ts';
import { LEGS, type Leg } from './legs.ts';

const values = optionsOf(
  import.meta.filename,
  {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    leg: { type: 'string', multiple: true },
  },
  ['mcp'],
);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

function chosen(): readonly Leg[] {
  const { leg: named } = values;
  if (named === undefined)
    return LEGS.filter(
      ({ name, counts }) => counts && !(values.short && name.startsWith('client')),
    );
  const names = LEGS.map(({ name }) => name);
  const asked = named.map((name) => oneOf('leg', names, name));
  return LEGS.filter(({ name }) => asked.includes(name));
}

function tell(result: LegResult, ms: number): void {
  const { leg, passed, failed, expectedFailures: expected } = result;
  say(`${leg}: ${passed} passed, ${failed} failed, ${expected} as expected (${ms} ms)`);
  if (result.broken !== undefined) {
    say(`  could not be run: ${result.broken}`);
    return;
  }
  for (const { scenario, why } of result.failing)
    say(`  failed ${scenario}\n${why.map((text) => `    ${text}`).join('\n')}`);
  for (const scenario of result.stale) say(`  expected to fail and did not: ${scenario}`);
  for (const text of result.warnings) say(`  warned ${text}`);
}

const expected = readExpected(fileURLToPath(new URL('expected-failures.yaml', import.meta.url)));

async function run(leg: Leg): Promise<LegResult> {
  const began = performance.now();
  const result = await leg.run().then(
    (findings) => judgeLeg(leg.name, leg.names, findings, expected),
    (error: Error) => brokenLeg(leg.name, leg.names, error.message),
  );
  tell(result, Math.round(performance.now() - began));
  return result;
}

/** One after the other: legs that share two cores measure each other. */
async function runAll(legs: readonly Leg[]): Promise<readonly LegResult[]> {
  const results: LegResult[] = [];
  for (const leg of legs) results.push(await run(leg));
  return results;
}

const results = await runAll(chosen());
const sum = (of: (result: LegResult) => number): number =>
  results.reduce((total, result) => total + of(result), 0);
const passed = sum((result) => result.passed);
const failed = sum((result) => result.failed);
const expectedFailures = sum((result) => result.expectedFailures);
const stale = sum((result) => result.stale.length);
const summary = `${passed} scored scenarios pass, ${failed} fail, ${expectedFailures} fail as expected${
  stale === 0 ? '' : `, ${stale} expected to fail did not`
}${values.short ? '; the client legs were left out' : ''}`;
if (values.json) {
  const matrix = results.map(({ leg, ...of }) => ({
    leg,
    passed: of.passed,
    failed: of.failed,
    expectedFailures: of.expectedFailures,
  }));
  console.log(JSON.stringify({ passed, failed, expectedFailures, matrix, summary }));
} else console.log(summary);
process.exit(failed + stale === 0 ? 0 : 1);
