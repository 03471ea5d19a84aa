import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdWhilePending } from '../../src/surfaces/mcp/hold.ts';
import { LiveQuestions } from '../../src/surfaces/mcp/live-questions.ts';
import { approve, BOUND_MS, openPair } from './pair.ts';

const HELD_MS = 60_000;

for (const isDeaf of [false, true])
  test(`a call held on one replica goes on when its ask is answered on another, ${isDeaf ? 'by asking' : 'told'}`, async (t) => {
    const { time, shared, a, b, run } = await openPair(t);
    shared.isDeaf = isDeaf;
    const parked = await time.until(b.call(await run(), 1));
    assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
    const { signal } = new AbortController();
    const until = { deadline: time.elapsed + HELD_MS, signal };
    let state: string | null = null;
    void holdWhilePending(b.broker, parked.approvalId, until, () => {}).then((end) => {
      state = end;
    });
    await time.pass(100);
    assert.equal(state, null);
    await approve(a.broker, parked.approvalId);
    await time.pass(isDeaf ? 5_000 : 10);
    assert.equal(state, 'approved');
  });

test('a call held on a replica that loses its store is told so by the bound', async (t) => {
  const { time, b, run } = await openPair(t);
  const parked = await time.until(b.call(await run(), 1));
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  const { signal } = new AbortController();
  const until = { deadline: time.elapsed + HELD_MS, signal };
  const held = holdWhilePending(b.broker, parked.approvalId, until, () => {});
  const ended = assert.rejects(held, { code: 'STORE_STALE' });
  await time.pass(100);
  b.way.cut();
  await time.pass(BOUND_MS + 250);
  await ended;
});

test('an answer to a question of another replica is refused there, and taken where it was asked', async (t) => {
  const { a, b } = await openPair(t);
  const [here, there] = [a, b].map(
    ({ broker }) => new LiveQuestions(broker.doors.timers, broker.store.replica),
  );
  let asked = '';
  const question = { method: 'elicitation/create', params: {} };
  const { signal } = new AbortController();
  const tell = async (text: string): Promise<void> => {
    asked = (JSON.parse(text) as { id: string }).id;
  };
  const answer = here?.ask('session', question, tell, signal);
  const response = { kind: 'response', id: asked, result: { action: 'accept' } } as const;
  assert.throws(() => there?.answered('session', response), { code: 'ANSWER_ELSEWHERE' });
  here?.answered('session', response);
  assert.deepEqual(await answer, { action: 'accept' });
});
