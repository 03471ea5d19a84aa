/**
 * `npm run test:crash -- [--json] [--short] [--kills N] [--without CONTROL]`
 *
 * Kills Signalbox with SIGKILL under load, again and again, and counts at the targets what came of it. Exit code 0 only
 * when nothing happened twice, nothing without an intent, nothing was lost, leaked or broken, and enough of the kills fell
 * between an intent and its outcome. `--without intent|mark|probe|recovery` switches that off in a copy of the sources and
 * exits 0 only when the campaign is red there.
 */
import { optionsOf, wholeOf } from '../../scripts/options.ts';
import { type Report, runCampaign } from './campaign.ts';
import { problemsOf } from './problems.ts';
import { runWithout } from './without.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  kills: { type: 'string' },
  without: { type: 'string' },
});
const kills = wholeOf('kills', values.kills ?? (values.short ? 20 : 200), 1);

const tell = (line: string): void => void process.stderr.write(`${line}\n`);

if (values.without !== undefined) {
  const outcome = await runWithout(values.without, ['--kills', values.kills ?? '20']);
  const { control, figure, red, report } = outcome;
  if (values.json) console.log(JSON.stringify(outcome));
  tell(
    `${red ? 'red, as it must be' : 'GREEN'}: without ${control}, ${figure} is ${report[figure]}`,
  );
  process.exitCode = red ? 0 : 1;
} else {
  const report = await runCampaign(kills, tell);
  const problems = problemsOf(report);
  if (values.json) console.log(JSON.stringify({ ...report, problems }));
  else print(report);
  for (const problem of problems) tell(`RED  ${problem}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

function print({ heard, byAim, ...figures }: Report): void {
  for (const [name, value] of Object.entries(figures))
    console.log(`${name.padEnd(32)} ${typeof value === 'object' ? JSON.stringify(value) : value}`);
  for (const [aim, { kills: aimed, between }] of Object.entries(byAim))
    console.log(`  killed ${aim.padEnd(28)} ${aimed}, between intent and outcome ${between}`);
  for (const [what, times] of Object.entries(heard)) console.log(`  heard ${what}: ${times}`);
}
