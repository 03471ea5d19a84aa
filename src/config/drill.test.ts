import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigProblems } from './problems.ts';
import { base, edited, planOf } from './testing/plans.ts';

const DRILL: [string, string] = [
  'approvals: { minutes: 30 }\n',
  'approvals: { minutes: 30 }\ndrill: { hours: 24, agent: bot, witness: idle, connection: api, touch: call, look: look }\n',
];
const LOOK: [string, string][] = [
  [
    '  spare:',
    '  look: { connection: api, description: one, http: { method: GET, path: /look } }\n  spare:',
  ],
  ['grants:\n', 'grants:\n  - { agent: idle, tools: [look], rung: read }\n'],
];

async function problemsOf(...edits: [string, string][]): Promise<string[]> {
  try {
    await planOf(edited(...edits));
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigProblems, String(error));
    return error.problems.map(({ message, at }) => `${at} ${message}`);
  }
}

test('a drill that can work is planned, and what it does by itself is a widening', async () => {
  const plan = await planOf(edited(...LOOK, DRILL), base);
  assert.equal(plan.bundle.drill?.hours, 24);
  assert.deepEqual(
    plan.widenings.filter((text) => text.includes('halts')),
    [
      'every 24 hours Signalbox runs as agents `bot` and `idle`, calls `call` and `look`, and halts `bot`',
    ],
  );
  const rarer: [string, string] = ['hours: 24', 'hours: 48'];
  const again = await planOf(edited(...LOOK, DRILL, rarer), plan.bundle);
  assert.deepEqual([again.changes.length, again.widenings], [1, []], 'a longer interval is none');
  const gone = await planOf(edited(...LOOK), plan.bundle);
  assert.deepEqual([gone.changes[0]?.kind, gone.widenings], ['removed', []]);
});

test('a drill that cannot work is refused where it stands', async () => {
  const bad: [[string, string], RegExp][] = [
    [['agent: bot,', 'agent: nobody,'], /there is no agent `nobody`/],
    [['witness: idle', 'witness: bot'], /expected another agent/],
    [['connection: api,', 'connection: nowhere,'], /there is no connection `nowhere`/],
    [['touch: call', 'touch: get'], /`get` is at `db`/],
    [['touch: call', 'touch: spare'], /`spare` is not granted to `bot`/],
    [['connection: api, touch: call', 'connection: db, touch: get'], /needs arguments \(id\)/],
    [['connection: api, touch: call', 'connection: db, touch: set'], /`set` is a `destroy`/],
    [['look: look }', 'look: look, ask: set }'], /`set` is at `db`/],
    [['look: look }', 'look: look, ask: call }'], /is a `read` on rung `read`/],
    [['hours: 24', 'hours: 0'], /hours/],
    [['hours: 24', 'hours: 24, often: true'], /often/],
  ];
  for (const [edit, expected] of bad) {
    const problems = await problemsOf(...LOOK, DRILL, edit);
    assert.ok(
      problems.some((text) => expected.test(text) && /:\d+:\d+ /.test(text)),
      `${edit}: ${problems}`,
    );
  }
});
