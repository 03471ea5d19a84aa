/**
 * `npm run test:policy -- [--json] [--short] [--seed N] [--cases N] [--prove SETS]`
 *
 * Random policies and random actions, each asked of the compiled policies and of the reference engine: decision, reasons
 * and errors must be the same. Exit code 0 only without a mismatch. `--short`: 10,000 cases instead of 100,000.
 * `--prove`: so many random sets of policies are also proven, beside what a small world of actions comes to.
 */
import { optionsOf, wholeOf } from '../../scripts/options.ts';
import { realDoors } from '../../src/doors.ts';
import { differential } from '../../src/policy/testing/differential.ts';
import { ChildSolver } from '../../src/system/solver.ts';
import { proveDifferential } from './prove-differential.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  seed: { type: 'string', default: '1' },
  cases: { type: 'string' },
  prove: { type: 'string', default: '0' },
});
const cases = wholeOf('cases', values.cases ?? (values.short ? 10_000 : 100_000), 1);
const seed = wholeOf('seed', values.seed);
const sets = wholeOf('prove', values.prove);
const started = performance.now();
const found = differential({
  ...{ seed, cases },
  told: (done) => process.stderr.write(`${done} of ${cases}\n`),
});
const solver = new ChildSolver(realDoors().timers);
const alive = setInterval(() => process.stderr.write('proving\n'), 10_000);
const proofs = sets > 0 ? await proveDifferential(solver, { seed, sets }) : null;
clearInterval(alive);
solver.close();
const summary = {
  ...found,
  mismatches: found.mismatches.length,
  examples: found.mismatches.slice(0, 10),
  ...(proofs === null ? {} : { proofs }),
  seconds: Math.round((performance.now() - started) / 100) / 10,
};
console.log(JSON.stringify(summary, null, values.json ? 0 : 2));
const isRight = found.mismatches.length === 0 && found.uncompiled === 0;
process.exitCode = isRight && (proofs === null || proofs.wrong.length === 0) ? 0 : 1;
