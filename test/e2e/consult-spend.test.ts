/** What asking a model may cost, one that is dead, and one that lies: over real HTTP. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Questions } from '../../src/boundary/questions.ts';
import { act } from '../../src/broker/act.ts';
import { Consultants } from '../../src/broker/consultants.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { BUNDLE, toolNamed } from '../properties/world.ts';
import {
  codeOf,
  judge,
  lastVerdict,
  model,
  SECRET,
  type Stage,
  says,
  stageWith,
} from './consult-stage.ts';

async function leftOf({ world }: Stage, key: string): Promise<Record<string, number>> {
  const rows = await world.store.usage([key]);
  return Object.fromEntries(
    rows.map(({ dimension, posted, pending }) => [dimension, posted + pending]),
  );
}

async function spends({ world, run }: Stage): Promise<readonly string[]> {
  return (await world.store.timeline(run)).flatMap(({ type, body }) => {
    if (type !== 'run.spent' && type !== 'run.refunded') return [];
    const { tokensIn, tokensOut, moneyMicros } = JSON.parse(body);
    return [`${type} ${tokensIn}/${tokensOut} ${moneyMicros}`];
  });
}

test('what a question cost is recorded with the run; what was held for it and not needed comes back', async (t) => {
  const stage = await stageWith(
    t,
    model({ price: { in: 3, out: 15 }, budget: { run: { moneyMicros: 20_000 } } }),
  );
  judge.answer = says('allow');
  assert.equal(codeOf(await stage.propose('change')), 'done');
  const [held, came] = await spends(stage);
  assert.match(held ?? '', /^run.spent \d{4}\/100 \d+$/);
  assert.equal(came, `run.refunded 321/12 ${321 * 3 + 12 * 15}`);
  const key = `consult:second:run:${stage.run}`;
  assert.deepEqual(await leftOf(stage, key), { moneyMicros: 321 * 3 + 12 * 15 });
  const { moneyMicros, tokens } = await stage.world.store.cost(stage.run);
  assert.deepEqual([moneyMicros, tokens], [1_143, 333]);
  judge.answer = () => ({ body: 'garbage' });
  assert.equal(codeOf(await stage.propose('change', { amount: 2 })), 'done');
  const spent = (await leftOf(stage, key)).moneyMicros ?? 0;
  assert.ok(spent > 1_143 + 1_500, 'one that says no number cost the most');
});

test('over its budget a model is not asked: the checks decide, a human where nothing undoes it, and the reason says what is left', async (t) => {
  const stage = await stageWith(t, model({ budget: { run: { calls: 2 } } }));
  judge.answer = says('allow');
  for (const amount of [1, 2])
    assert.equal(codeOf(await stage.propose('change', { amount })), 'done');
  assert.equal(codeOf(await stage.propose('change', { amount: 3 })), 'done');
  assert.match(
    await lastVerdict(stage),
    /^CONSULT_BUDGET auto `second` was not asked: calls of `consult:second:run:run_\w+`: may need 1, 0 left of 2$/,
  );
  assert.equal(codeOf(await stage.propose('wipe')), 'parked');
  assert.match(await lastVerdict(stage), /^CONSULT_BUDGET approve/);
  assert.equal(judge.heard.length, 2);
});

test('many at once never ask more than the day holds, and the money of a run holds its consults too', async (t) => {
  const stage = await stageWith(t, model({ timeoutMs: 5_000, budget: { day: { calls: 3 } } }));
  judge.answer = says('allow');
  const all = Array.from({ length: 20 }, (_, amount) => stage.propose('change', { amount }));
  await Promise.all(all);
  assert.equal(judge.heard.length, 3);
  judge.heard = [];
  const poor = await stageWith(t, model({ price: { in: 3, out: 15 } }));
  await poor.world.apply((bundle) => ({
    tools: {
      ...bundle.tools,
      change: toolNamed('change', 'write', { reversibility: 'exercised', idempotent: true }),
    },
    grants: BUNDLE.grants.map((grant) =>
      grant.tool === 'change' ? { ...grant, rung: 'auto' as const } : grant,
    ),
    consults: [model({ price: { in: 3, out: 15 } })],
    limits: { run: { moneyMicros: 100 } },
  }));
  assert.equal(codeOf(await poor.propose('change')), 'done');
  assert.match(
    await lastVerdict(poor),
    /^CONSULT_BUDGET auto .*moneyMicros of `run:run_\w+`: may need \d+, 100 left of 100/,
  );
  assert.equal(judge.heard.length, 0);
});

test('a dead judge is left alone after five failures, then tried once, and believed again', async (t) => {
  const stage = await stageWith(t, model());
  const { doors } = stage.world.broker;
  let ahead = 0;
  const clock = { now: doors.clock.now, monotonic: () => doors.clock.monotonic() + ahead };
  const { consults: desk } = stage.broker;
  assert.ok(desk instanceof Consultants);
  const questions = new Questions(doors.timers);
  t.after(() => questions.close());
  const consults = new Consultants({
    doors: { ...doors, clock },
    post: (question) => questions.ask(question),
    secret: async () => SECRET,
    clean: (text) => text,
  });
  const propose = (amount: number): Promise<Outcome> =>
    act(
      { ...stage.broker, consults },
      { runId: stage.run, tool: 'change', arguments: { amount }, via: 'test' },
    );
  judge.answer = () => ({ status: 500, body: {} });
  for (let turn = 0; turn < 9; turn++) assert.equal(codeOf(await propose(turn)), 'done');
  assert.equal(judge.heard.length, 5);
  assert.match(
    await lastVerdict(stage),
    /CONSULT_FAILED auto .*failed 5 times in a row, and is asked again in 30 s/,
  );
  ahead = 31_000;
  await propose(10);
  assert.equal(judge.heard.length, 6, 'one more');
  await propose(11);
  assert.equal(judge.heard.length, 6);
  ahead = 62_000;
  judge.answer = says('deny');
  assert.equal(codeOf(await propose(12)), 'CONSULT_DENIED');
  assert.equal(codeOf(await propose(13)), 'CONSULT_DENIED');
});

const lies: readonly [string, (word: string) => unknown][] = [
  ['words around the answer', (word) => `Sure! {"case":"${word}","verdict":"allow","reason":"x"}`],
  [
    'two answers',
    (word) => `{"case":"${word}","verdict":"deny"}{"case":"${word}","verdict":"allow"}`,
  ],
  ['a list', (word) => `[{"case":"${word}","verdict":"allow"}]`],
  ['another verdict', (word) => `{"case":"${word}","verdict":"ALLOW"}`],
  ['a verdict that is true', (word) => `{"case":"${word}","verdict":true}`],
  ['no word', () => '{"verdict":"allow"}'],
  ['the word in a list', (word) => `{"case":["${word}"],"verdict":"allow"}`],
  ['nothing', () => ''],
];
for (const [name, text] of lies)
  test(`a model that answers with ${name} did not answer`, async (t) => {
    const stage = await stageWith(t, model());
    judge.answer = ({ body }) => ({
      body: {
        choices: [{ message: { content: text(body.messages.at(-1).content.split('\n')[0]) } }],
      },
    });
    assert.equal(codeOf(await stage.propose('wipe')), 'parked');
    assert.match(await lastVerdict(stage), /^CONSULT_FAILED approve/);
  });
