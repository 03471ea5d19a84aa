/**
 * `npm run soak -- [--json] [--short] [--minutes N]`
 *
 * Three replicas on one PostgreSQL for half an hour (two minutes with `--short`): reads, writes that are approved, sub-runs;
 * meanwhile halts and resumes, restarts of the store's server, `kill -9` of replicas. Exit code 0 only when the ledger
 * verifies, no limit was ever passed, the target has exactly the effects that the ledger says, nothing leaked, and memory
 * stayed where it was.
 */
import { misused, optionsOf } from '../../scripts/options.ts';
import { problemsOf, runSoak } from './soak.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  minutes: { type: 'string' },
});
const minutes = Number(values.minutes ?? (values.short ? 2 : 30));
if (!(minutes > 0 && minutes <= 600))
  misused(`expected minutes up to 600 after \`--minutes\`, got \`${values.minutes}\``);

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const report = await runSoak(minutes * 60_000, tell);
const problems = problemsOf(report);
console.log(
  JSON.stringify({ ok: problems.length === 0, ...report, problems }, null, values.json ? 0 : 2),
);
for (const problem of problems) tell(`RED  ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
