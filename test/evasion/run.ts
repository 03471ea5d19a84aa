/**
 * `npm run test:evasion -- [--json] [--short] [--only GROUP[,GROUP]]`
 *
 * Tries to get around scoped tools, and asks the target what came of it: never Signalbox. Exit code 0 only when nothing
 * escaped and every legitimate control succeeded.
 *
 * A group is a kind of target: `sql-arguments` (fixed statements, by arguments), … Its cases and controls are tables in
 * files of their own, so that a reader sees what is tried. To add one: write a file that exports a `Group` (group.ts says
 * what that is; gateway.ts starts a Signalbox with a configuration, an agent and an operator who approves everything), and
 * name it in groups.ts.
 */
import { oneOf, optionsOf } from '../../scripts/options.ts';
import { type Tally, tally } from './group.ts';
import { GROUPS } from './groups.ts';

const values = optionsOf(import.meta.filename, {
  json: { type: 'boolean', default: false },
  // the whole suite is short enough
  short: { type: 'boolean', default: false },
  only: { type: 'string' },
});
const names = GROUPS.map(({ name }) => name);
const wanted = values.only?.split(',').map((name) => oneOf('only', names, name)) ?? names;

const tell = (line: string): void => void process.stderr.write(`${line}\n`);
const groups: { [name: string]: Tally } = {};
for (const group of GROUPS)
  if (wanted.includes(group.name)) groups[group.name] = await tally(group, tell);

const all = Object.values(groups);
const sum = (of: (one: Tally) => number): number => all.reduce((total, one) => total + of(one), 0);
const summary = {
  cases: sum(({ cases }) => cases),
  escaped: all.flatMap(({ escaped }) => escaped),
  controls: {
    tried: sum(({ controls }) => controls.tried),
    passed: sum(({ controls }) => controls.passed),
  },
  refusedControls: all.flatMap(({ failed }) => failed),
  groups: Object.fromEntries(
    Object.entries(groups).map(([name, { cases, controls }]) => [name, { cases, controls }]),
  ),
};
console.log(JSON.stringify(summary, null, values.json ? 0 : 2));
const { escaped, controls, cases } = summary;
process.exitCode = cases > 0 && escaped.length === 0 && controls.passed === controls.tried ? 0 : 1;
