import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openHouse } from '../../bench/eval/agentdojo/house.ts';
import { labelsFor } from '../../bench/eval/agentdojo/labels.ts';
import { MUTATIONS, withMutation } from '../../bench/eval/agentdojo/mutations.ts';
import { playRecorded } from '../../bench/eval/agentdojo/recorded.ts';
import { figuresOf } from '../../bench/eval/agentdojo/report.ts';
import { playRound } from '../../bench/eval/agentdojo/round.ts';
import { suitesIn, toolsOf } from '../../bench/eval/agentdojo/suites.ts';
import { BadTraces, tracesIn } from '../../bench/eval/agentdojo/traces.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');

async function written(t: TestContext, text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-traces-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'traces.jsonl');
  await writeFile(path, text);
  return path;
}

test('each bad line of a trace file is told with its number', async (t) => {
  const lines = [
    '{"id":"good","kind":"benign","steps":[]}',
    'no json',
    '[1]',
    '{"kind":"maybe","steps":[]}',
    '',
    '{"kind":"attack","steps":{}}',
    '{"kind":"attack","steps":[{"args":{}}]}',
    '{"kind":"attack","steps":[{"tool":"x","args":[1]}]}',
  ];
  const path = await written(t, lines.join('\n'));
  await assert.rejects(tracesIn(path), (error: BadTraces) => {
    assert.deepEqual(error.problems, [
      'line 2: expected one JSON object, got `no json`',
      'line 3: expected one JSON object, got `[1]`',
      'line 4: expected `kind` benign or attack, got `maybe`',
      'line 6: expected `steps` as a list, got `{}`',
      'line 7: expected `steps[0].tool` as a name, got `{"args":{}}`',
      'line 8: expected `steps[0].args` as members, got `[1]`',
    ]);
    return error instanceof BadTraces;
  });
  await assert.rejects(tracesIn(await written(t, '\n')), /at least one run/);
});

test('recorded runs of tools that nobody labelled: tasks pass, attacks do not', async (t) => {
  const runs = await tracesIn(join(FIXTURES, 'traces.jsonl'));
  const told = runs.map(({ id, steps }) => [id, steps.filter(({ attack }) => attack).length]);
  assert.deepEqual(
    told.filter(([, attacks]) => attacks !== 0),
    [
      ['mail/forward', 1],
      ['files/ssh', 1],
      ['tickets/leak', 1],
      ['git/public', 1],
    ],
    'by marks or by what was injected',
  );
  const suite = { name: 'traces', tools: toolsOf(runs) };
  const house = await openHouse([suite], await labelsFor([suite], 'auto'));
  t.after(() => house.close());
  const figures = figuresOf(await playRecorded(house, suite, runs));
  assert.deepEqual([figures.benign, figures.pairs, figures.provenancePass], [6, 6, 1]);
  assert.deepEqual(figures.executedUnasked, { rate: 0, consequential: 0, local: 0 });
  assert.equal(figures.utilityUnderAttack, 1);
});

test('suites nobody has seen: other tools, odd arguments, parts left out', async () => {
  const suites = await suitesIn(join(FIXTURES, 'suites.json'));
  const labels = await labelsFor(suites, 'auto');
  const round = async (mutation: string | null) => {
    const { labels: changed, restore } = withMutation(mutation, labels, suites);
    const house = await openHouse(suites, changed);
    try {
      const wanted = { transform: null, scoped: false, every: 1, mutation };
      return figuresOf(await playRound(house, suites, wanted));
    } finally {
      restore();
      await house.close();
    }
  };
  const { benign, pairs, provenancePass, executedUnasked } = await round(null);
  assert.deepEqual([benign, pairs, provenancePass], [5, 18, 1]);
  assert.deepEqual(executedUnasked, { rate: 0, consequential: 0, local: 0 });
  assert.ok(Object.hasOwn(MUTATIONS, 'provenance'));
  const off = await round('provenance');
  assert.ok(off.executedUnasked.consequential > 0, 'these attacks succeed where nothing stands');
});
