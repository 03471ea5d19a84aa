import assert from 'node:assert/strict';
import { test } from 'node:test';
import { halt } from '../../src/broker/halt.ts';
import { endRun } from '../../src/broker/runs.ts';
import { BEAT_MS, BOUND_MS, hold, openPair } from './pair.ts';

const KILL = { scope: 'agent:ann', reason: 'test', by: 'olga' };

for (const [how, isDeaf, within] of [
  ['with notices at once', false, 1],
  ['without notices within one beat', true, BEAT_MS],
] as const)
  test(`a halt on one replica stops what flies on another, ${how}`, async (t) => {
    const { time, shared, target, issuer, a, b, run, approved } = await openPair(t);
    shared.isDeaf = isDeaf;
    const ann = await run();
    await approved(ann, 1);
    const held = hold(target, 'finish');
    const flying = b.call(ann, 1);
    const { signal } = await held.full;
    const halting = halt(a.broker, KILL);
    await time.pass(within);
    assert.ok(signal.aborted, 'it flies on');
    held.open();
    const report = await time.until(halting);
    assert.equal(target.effects.length, 0);
    assert.notEqual(report.inertMs, null);
    assert.deepEqual(
      report.replicas.map(({ replica, silentMs }) => [replica, silentMs]),
      [[b.broker.store.replica, null]],
    );
    assert.equal(issuer.valid.size, 0, 'a credential still works');
    const outcome = await time.until(flying);
    assert.ok(!(outcome instanceof Error) && outcome.kind === 'refused');
  });

test('a notice alone brings down what flies; that it landed is said when the store has confirmed the halt', async (t) => {
  const { time, target, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  const { signal } = await held.full;
  b.way.cut(); // no question of it is answered
  const halting = halt(a.broker, KILL);
  await time.pass(1);
  assert.ok(signal.aborted, 'it flies on');
  held.open();
  await time.pass(1);
  assert.equal(b.broker.freshness.landed, 0);
  b.way.mend();
  const report = await time.until(halting);
  assert.equal(b.broker.freshness.landed, 1);
  assert.notEqual(report.inertMs, null);
  await time.until(flying);
  assert.equal(target.effects.length, 0);
});

test('a notice of a halt that is none holds nothing up', async (t) => {
  const { time, shared, target, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  shared.tell('halt 1 agent:ann');
  await time.pass(1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  const { signal } = await held.full;
  const halting = halt(a.broker, KILL); // the real one has the number that was told
  await time.pass(1);
  assert.ok(signal.aborted, 'what was told before counted as this halt');
  held.open();
  assert.notEqual((await time.until(halting)).inertMs, null);
  await time.until(flying);
  assert.equal(target.effects.length, 0);
});

test('a halt is inert only when what flew on the others has landed', async (t) => {
  const { time, target, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  await held.full;
  const report = await time.until(halt(a.broker, KILL));
  assert.equal(report.inertMs, null, 'the adapter has not let go of it');
  assert.deepEqual(report.replicas, [
    { replica: b.broker.store.replica, landedMs: null, silentMs: null },
  ]);
  const stateOf = async () => (await a.broker.store.haltState()).halts[0]?.state;
  assert.equal(await stateOf(), 'gated');
  held.open();
  await time.until(flying);
  await time.pass(2 * BEAT_MS);
  assert.equal(await stateOf(), 'inert');
});

test('a replica cut off from the store stops by the bound, and the halt says that it is silent', async (t) => {
  const { time, target, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  const { signal } = await held.full;
  b.way.cut();
  const report = await time.until(halt(a.broker, KILL));
  assert.ok(signal.aborted);
  assert.notEqual(report.inertMs, null);
  const [silent] = report.replicas;
  assert.ok(silent?.landedMs === null && (silent.silentMs ?? 0) > BOUND_MS, `${silent?.silentMs}`);
  held.open();
  b.way.mend();
  await time.until(flying);
  assert.equal(target.effects.length, 0);
});

test('a run that is ended on one replica is aborted on the others, notices or not', async (t) => {
  for (const isDeaf of [false, true]) {
    const { time, shared, target, a, b, run, approved } = await openPair(t);
    shared.isDeaf = isDeaf;
    const ann = await run();
    await approved(ann, 1);
    const held = hold(target, 'finish');
    const flying = b.call(ann, 1);
    const { signal } = await held.full;
    await time.until(endRun(a.broker, ann, 'over'));
    await time.pass(isDeaf ? 2 * BEAT_MS : 1);
    assert.ok(signal.aborted, `deaf: ${isDeaf}`);
    held.open();
    await time.until(flying);
  }
});

test('a halt whose replica died is finished by another', async (t) => {
  const { time, target, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  void b.call(ann, 1);
  await held.full;
  void halt(b.broker, KILL);
  await time.pass(1);
  b.way.cut(); // and never comes back
  b.process.isPaused = true;
  await time.pass(2 * a.broker.freshness.deadMs);
  assert.equal((await a.broker.store.haltState()).halts[0]?.state, 'inert');
});

test('a credential that another replica is just making is not called dead before it is', async (t) => {
  const { time, issuer, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const made = Promise.withResolvers<void>();
  const mint = issuer.mint.bind(issuer);
  issuer.mint = async (request) => {
    await made.promise;
    return mint(request);
  };
  const flying = b.call(ann, 1);
  await time.pass(1);
  const report = await time.until(halt(a.broker, KILL));
  assert.equal(report.inertMs, null);
  const dead = async () =>
    (await a.broker.store.leases({ runId: ann })).filter(({ state }) => state === 'dead').length;
  assert.equal(await dead(), 1, 'what is still being made counts as dead');
  made.resolve();
  await time.until(flying);
  await time.pass(31_000); // a try that comes late
  assert.equal(await dead(), 2);
  assert.equal(issuer.valid.size, 0);
  assert.equal((await a.broker.store.haltState()).halts[0]?.state, 'inert');
});
