/**
 * `npm run drill -- [--json] [--short] [--untimed] [--runs N] [--without CONTROL|all]`
 *
 * Halts an agent that works in every way it can, again and again, on three real replicas of one PostgreSQL store, and lets
 * the target say what still happened. Exit code 0 only when every drill was inert in time, nothing came after it, every
 * probe was refused and nobody else noticed. `--without gate|abort|issuer|freshness|process-group|approvals` switches that
 * off in a copy of the sources and exits 0 only when the drill is red there; `all` does so after the drills themselves.
 * `--untimed` measures the times and does not fail for them: for a machine that others work on too.
 */

import { join } from 'node:path';
import { oneOf, optionsOf, wholeOf } from '../../scripts/options.ts';
import { type Report, runCampaign } from './campaign.ts';
import { flawsIn, problemsOf } from './problems.ts';
import { CONTROLS, drillWithout, type Without } from './without.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  untimed: { type: 'boolean', default: false },
  runs: { type: 'string' },
  without: { type: 'string' },
});
const runs = wholeOf('runs', values.runs ?? (values.short ? 5 : 30), 1);

const SOURCES = join(import.meta.dirname, '../..');
const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const { without: named } = values;
if (named !== undefined) oneOf('without', [...CONTROLS, 'all'], named);

const without: { [control: string]: Without } = {};
let problems: string[] = [];
let report: Report | null = null;
if (named === undefined || named === 'all') {
  report = await runCampaign({ sources: SOURCES, runs, adversities: 'all' }, tell);
  problems = values.untimed ? flawsIn(report) : problemsOf(report);
}
for (const control of named === 'all' ? CONTROLS : named === undefined ? [] : [named]) {
  const outcome = await drillWithout(control, tell);
  without[control] = outcome;
  tell(`${outcome.red ? 'red, as it must be' : 'GREEN'}: without ${control}${outcome.why}`);
  if (!outcome.red) problems.push(`without ${control} nothing turned red`);
}

const summary = { ok: problems.length === 0, timed: !values.untimed, ...report, without, problems };
if (values.json) console.log(JSON.stringify(summary));
else console.log(JSON.stringify(summary, null, 2));
for (const problem of problems) tell(`RED  ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
