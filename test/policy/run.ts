/**
 * `npm run test:policy -- [--json] [--short] [--seed N] [--cases N]`
 *
 * Random policies and random actions, each asked of the compiled policies and of the reference engine: decision, reasons
 * and errors must be the same. Exit code 0 only without a mismatch. `--short`: 10,000 cases instead of 100,000.
 */
import { parseArgs } from 'node:util';
import { differential } from '../../src/policy/testing/differential.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    cases: { type: 'string' },
  },
});
const cases = Number(values.cases ?? (values.short ? 10_000 : 100_000));
const seed = Number(values.seed);
if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed))
  throw new Error('expected whole numbers for `--cases` (from 1) and `--seed`');
const started = performance.now();
const found = differential({
  ...{ seed, cases },
  told: (done) => process.stderr.write(`${done} of ${cases}\n`),
});
const summary = {
  ...found,
  mismatches: found.mismatches.length,
  examples: found.mismatches.slice(0, 10),
  seconds: Math.round((performance.now() - started) / 100) / 10,
};
console.log(JSON.stringify(summary, null, values.json ? 0 : 2));
process.exitCode = found.mismatches.length === 0 && found.uncompiled === 0 ? 0 : 1;
