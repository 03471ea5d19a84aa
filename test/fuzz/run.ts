/**
 * `npm run fuzz -- [--messages N] [--short] [--seed S] [--json]`: mutated messages of both eras at a real gateway. Exit 0
 * only when it never crashed, hung, answered with a fault of its own, acted without an intent or grew.
 */
import { optionsOf, wholeOf } from '../../scripts/options.ts';
import { closeConnections } from '../crash/wire.ts';
import { campaign, type Figures } from './campaign.ts';

const values = optionsOf(import.meta.filename, {
  messages: { type: 'string', default: '1000000' },
  seed: { type: 'string', default: '1' },
  short: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
});
const SHORT = 60_000;
/** Noise of an allocator; a leak of one byte a message would be a fraction of it, one of a hundred is not. */
const GROWTH = 0.15;

/** What must not be, in words; empty when all is well. */
function faultsOf(figures: Figures): string[] {
  const { crashes, hangs, internal, effectsWithoutIntent, ledgerProblems, rssGrowth } = figures;
  const counted = { crashes, hangs, internal, effectsWithoutIntent, ledgerProblems };
  const faults = Object.entries(counted).flatMap(([name, count]) =>
    count === 0 ? [] : [`${count} ${name}`],
  );
  if (rssGrowth > GROWTH) faults.push(`resident memory grew by ${rssGrowth * 100} %`);
  // a run in which nothing was written proves nothing about writes
  if (figures.effects === 0) faults.push('no effect at all');
  return faults;
}

const figures = await campaign({
  messages: values.short ? SHORT : wholeOf('messages', values.messages, 1),
  seed: wholeOf('seed', values.seed),
  say: (text) => void process.stderr.write(`${text}\n`),
});
await closeConnections();
const faults = faultsOf(figures);
for (const example of figures.examples) process.stderr.write(`${example}\n---\n`);
if (values.json) console.log(JSON.stringify(figures));
else console.log(faults.length === 0 ? JSON.stringify(figures, null, 2) : faults.join('\n'));
process.exit(faults.length === 0 ? 0 : 1);
