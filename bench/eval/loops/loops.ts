/**
 * `npm run eval -- loops [--data FILE] [--json] [--short]`: how often each loop detector fires on recorded good runs, and
 * that it does fire on runs that loop. `FILE` is an AgentDojo replay (`suites.NAME.user_tasks.ID.trace`); without it only
 * the runs that loop are played. Prints `{ok, runs, calls, fired:{detector:{runs, rate}}, held:{runs, rate}, controls:[…]}`;
 * exit code 0 only when at most 1.5 % of the good runs are fired on and every control is.
 */

import { existsSync, readFileSync } from 'node:fs';
import { optionsOf } from '../../../scripts/options.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { DETECTORS, type Detector } from '../../../src/domain/loops.ts';
import { normOf } from '../../../src/limits/loops/norm.ts';
import { labelsOf } from '../../../src/tools/classify/classify.ts';
import { CONTROLS, USUAL } from './controls.ts';
import { type Call, costOf, played } from './played.ts';

/** Of recorded good runs. */
const MOST = 0.015;

interface Replay {
  readonly suites: Readonly<
    Record<
      string,
      {
        readonly tools: readonly {
          readonly name: string;
          readonly description: string;
          readonly schema: JsonObject;
        }[];
        readonly user_tasks: Readonly<Record<string, { readonly trace: readonly RecordedCall[] }>>;
      }
    >
  >;
}

interface RecordedCall {
  readonly tool: string;
  readonly args: Call['arguments'];
  readonly result: unknown;
  readonly error: unknown;
}

const values = optionsOf(import.meta.filename, {
  data: { type: 'string' },
  json: { type: 'boolean' },
  short: { type: 'boolean' },
});
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const runs = values.data === undefined ? [] : recorded(values.data);
const fired = new Map<Detector, number>(DETECTORS.map((detector) => [detector, 0]));
let heldRuns = 0;
const where: string[] = [];
for (const { id, calls } of runs) {
  const others = runs.filter((other) => other.id !== id && classOf(other.id) === classOf(id));
  const seen = played(
    calls,
    normOf(
      others.map((other) => costOf(other.calls)),
      free,
    ),
  );
  for (const detector of new Set(seen.flat().map((one) => one.detector)))
    fired.set(detector, (fired.get(detector) ?? 0) + 1);
  if (seen.flat().length > 0)
    where.push(
      `${id}: ${seen
        .flat()
        .map(({ detector, stage }) => `${detector} ${stage}`)
        .join(', ')}`,
    );
  if (seen.flat().some(({ stage }) => stage !== 'observe')) heldRuns++;
}
const usual = normOf(USUAL.map(costOf), free);
const controls = CONTROLS.map(({ name, detector, stage, calls }) => {
  const seen = played(calls, usual).flat();
  return { name, ok: seen.some((one) => one.detector === detector && one.stage === stage) };
});
const rate = (count: number): number => (runs.length === 0 ? 0 : count / runs.length);
const within = [...fired.values()].every((count) => rate(count) <= MOST) && rate(heldRuns) <= MOST;
const ok = within && controls.every((control) => control.ok);
for (const line of where) say(line);
say(
  runs.length === 0
    ? 'no recorded runs were given (`--data FILE`): only the runs that loop were played'
    : `${runs.length} recorded good runs, ${heldRuns} held up`,
);
for (const [detector, count] of fired)
  say(`  ${detector}: ${count} (${(100 * rate(count)).toFixed(1)} %)`);
for (const control of controls) say(`  ${control.ok ? 'fires' : 'SILENT'} on ${control.name}`);
if (values.json)
  process.stdout.write(
    `${JSON.stringify({
      ok,
      skipped: runs.length === 0 ? 'no recorded runs' : null,
      runs: runs.length,
      calls: runs.reduce((sum, { calls }) => sum + calls.length, 0),
      fired: Object.fromEntries(
        [...fired].map(([detector, count]) => [detector, { runs: count, rate: rate(count) }]),
      ),
      held: { runs: heldRuns, rate: rate(heldRuns) },
      where,
      controls,
    })}\n`,
  );
process.exitCode = ok ? 0 : 1;

/** Runs of one suite are of one class, the run itself left out. */
function classOf(id: string): string {
  return id.split('/')[0] ?? id;
}

function free(): number {
  return 0;
}

function recorded(file: string): { readonly id: string; readonly calls: readonly Call[] }[] {
  if (!existsSync(file)) {
    say(`there is no \`${file}\`: the recorded runs are left out`);
    return [];
  }
  const { suites } = JSON.parse(readFileSync(file, 'utf8')) as Replay;
  return Object.entries(suites).flatMap(([suite, { tools, user_tasks }]) => {
    const effects = new Map(
      tools.map(({ name, description, schema }) => {
        const { effect } = labelsOf({ name, description, inputSchema: schema });
        return [name, effect === 'read' ? ('read' as const) : ('change' as const)];
      }),
    );
    return Object.entries(user_tasks).map(([id, { trace }]) => ({
      id: `${suite}/${id}`,
      calls: trace.map(({ tool, args, result, error }) => ({
        tool,
        effect: effects.get(tool) ?? 'change',
        arguments: args,
        says: typeof result === 'string' ? result : JSON.stringify(result ?? ''),
        failed: error !== null && error !== undefined && error !== '',
      })),
    }));
  });
}
