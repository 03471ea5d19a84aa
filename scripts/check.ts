/** `npm run check`: the whole list. `-- --quick`: what is cheap. `-- --json`: one object on stdout. */

import {
  dependencyCount,
  installScripts,
  integrity,
  licences,
  pins,
  readLockfile,
  readManifest,
} from './check/lockfile.ts';
import { lint, tidy, types, unused } from './check/programs.ts';
import { type Check, line, type Result, runCheck } from './check/report.ts';
import { sbom } from './check/sbom.ts';
import { optionsOf } from './options.ts';

const lock = readLockfile();
const manifest = readManifest();

const checks: readonly Check[] = [
  { name: 'types', quick: true, run: types },
  { name: 'lint', quick: true, run: lint },
  // Under `npm test` the rules of the house run as tests.
  { name: 'tidy', quick: false, run: tidy },
  { name: 'unused', quick: false, run: unused },
  { name: 'versions', quick: true, run: () => pins(manifest) },
  { name: 'lockfile', quick: true, run: () => integrity(lock) },
  { name: 'install scripts', quick: true, run: () => installScripts(lock, manifest) },
  { name: 'dependencies', quick: true, run: () => dependencyCount(lock, manifest) },
  { name: 'licences', quick: true, run: () => licences(lock) },
  { name: 'sbom', quick: true, run: () => sbom(lock, manifest) },
];

/** A tool can find a thousand things at once; the first ones are enough to start. */
function shown(problems: readonly string[], most = 60): readonly string[] {
  if (problems.length <= most) return problems;
  return [...problems.slice(0, most), `… and ${problems.length - most} more lines`];
}

const values = optionsOf(import.meta.filename, {
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
});

const results: Result[] = [];
for (const check of checks) {
  if (values.quick && !check.quick) continue;
  const result = await runCheck(check);
  results.push(result);
  const print = values.json ? console.error : console.log;
  print(line(result));
  for (const problem of shown(result.problems)) print(`  ${problem}`);
}

const ok = results.every((result) => result.ok);
if (values.json) console.log(JSON.stringify({ ok, checks: results }));
process.exitCode = ok ? 0 : 1;
