import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recover } from '../../src/broker/recover.ts';
import { takeOver } from '../../src/broker/take-over.ts';
import { hold, openPair } from './pair.ts';

test('what a living replica flies and holds is left alone, by its fellows and by one that starts', async (t) => {
  const { time, target, issuer, a, b, join, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  await held.full;
  await time.until(takeOver(a.broker));
  await join();
  assert.equal((await a.broker.store.openActions()).length, 1);
  assert.equal((await a.broker.store.leases({ state: ['live'] })).length, 2);
  assert.equal(issuer.valid.size, 2);
  held.open();
  const outcome = await time.until(flying);
  assert.ok(!(outcome instanceof Error) && outcome.kind === 'done');
});

test('a replica that is dead is taken over: its credentials first, then its intents', async (t) => {
  const { time, target, issuer, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'begin');
  const flying = b.call(ann, 1);
  await held.full;
  const living = (): string[] => [...issuer.valid.keys()];
  const [before] = [living()];
  b.process.isPaused = true;
  const asked: number[] = [];
  target.probe = async () => {
    asked.push(living().length);
    return 'unknown';
  };
  await time.pass(a.broker.freshness.deadMs - 500);
  assert.equal((await a.broker.store.openActions()).length, 1, 'taken over too soon');
  await time.pass(2_000);
  assert.deepEqual(await a.broker.store.openActions(), []);
  assert.equal(living().length, before.length - 1, 'what it held still works');
  // it wakes, in the midst of its call
  held.open();
  b.process.isPaused = false;
  await time.pass(5);
  const outcome = await time.until(flying);
  assert.equal(target.effects.length, 0);
  assert.ok(!(outcome instanceof Error) && outcome.kind === 'failed', JSON.stringify(outcome));
  // and serves again once it has beaten
  await time.pass(1_000);
  target.gate = async () => {};
  const look = await time.until(b.call(ann, 2, 'look'));
  assert.ok(!(look instanceof Error) && look.kind === 'done');
});

test('a marked flight of a dead replica is asked about when its credential is dead', async (t) => {
  const { time, target, issuer, a, b, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'finish');
  const flying = b.call(ann, 1);
  await held.full;
  const [, lent] = [...issuer.valid.keys()];
  const asked: boolean[] = [];
  target.probe = async () => {
    asked.push(issuer.valid.has(lent ?? ''));
    return 'done';
  };
  b.process.isPaused = true;
  await time.pass(a.broker.freshness.deadMs + 1_000);
  assert.deepEqual(asked, [false], 'asked while its credential worked');
  held.open();
  b.process.isPaused = false;
  const outcome = await time.until(flying);
  // the target says done; this replica was overtaken and cannot say more than that it does not know
  assert.ok(!(outcome instanceof Error) && outcome.kind === 'unknown', JSON.stringify(outcome));
  const events = await a.broker.store.timeline(ann);
  assert.equal(events.filter(({ type }) => type === 'action.outcome').length, 2);
});

test('an intent of this replica that nobody flies any more is settled by itself', async (t) => {
  const { time, a, b, target, run, approved } = await openPair(t);
  const ann = await run();
  await approved(ann, 1);
  const held = hold(target, 'begin');
  const flying = b.call(ann, 1);
  await held.full;
  b.way.loses = ({ kind }) => kind === 'action.settle';
  target.gate = async () => Promise.reject(new Error('it broke'));
  held.open();
  await time.until(flying.catch(() => null));
  b.way.loses = () => false;
  assert.deepEqual(await recover(a.broker), { settled: 0, unknown: 0, running: 0 });
  await time.until(recover(b.broker));
  assert.deepEqual(await a.broker.store.openActions(), []);
});
