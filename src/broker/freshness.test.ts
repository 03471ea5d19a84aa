import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Beat } from '../domain/store.ts';
import { Freshness } from './freshness.ts';

const CLOCK = { now: () => 0, monotonic: () => 0 };

/** A store that answers when it is told to. */
function slowStore(): {
  readonly store: ConstructorParameters<typeof Freshness>[0];
  readonly asked: () => number;
  answer(error?: Error, replicas?: Beat['replicas']): Promise<void>;
} {
  const open: PromiseWithResolvers<Beat>[] = [];
  let asked = 0;
  return {
    store: {
      ...{ replica: 'a', alone: false },
      beat: () => {
        asked++;
        const one = Promise.withResolvers<Beat>();
        open.push(one);
        return one.promise;
      },
    },
    asked: () => asked,
    async answer(error, replicas = []) {
      const one = open.shift();
      if (error === undefined)
        one?.resolve({ stamp: { halt: 1, bundle: 'none' }, halts: [], replicas });
      else one?.reject(error);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('however many wait, one question is on its way, and each hears an answer to one that was sent after it asked', async () => {
  const { store, asked, answer } = slowStore();
  const freshness = new Freshness(store, CLOCK);
  const first = freshness.lookAgain();
  await Promise.resolve();
  assert.equal(asked(), 1);
  let heard = 0;
  const crowd = Array.from({ length: 50 }, () => freshness.lookAgain().then(() => heard++));
  await answer();
  await first;
  assert.deepEqual([asked(), heard], [2, 0], 'the answer that was on its way is not theirs');
  await answer();
  await Promise.all(crowd);
  assert.deepEqual([asked(), heard, freshness.epoch], [2, 50, 1]);
});

test('a question without an answer keeps nobody from the next', async () => {
  const { store, asked, answer } = slowStore();
  const freshness = new Freshness(store, CLOCK);
  const first = freshness.lookAgain();
  await Promise.resolve();
  const second = freshness.lookAgain();
  await answer(new Error('gone'));
  await first;
  assert.equal(asked(), 2);
  await answer();
  await second;
  assert.equal(freshness.epoch, 1);
});

test('what another replica told of its landing is not taken back by an answer that was on its way', async () => {
  const { store, answer } = slowStore();
  const freshness = new Freshness(store, CLOCK);
  const b = { id: 'b', quietMs: 5, landed: 3 };
  const ask = async (landed: number) => {
    const asked = freshness.ask();
    await answer(undefined, [{ ...b, landed }]);
    await asked;
    return freshness.others[0]?.landed;
  };
  freshness.heardLanding({ replica: 'b', landed: 9 });
  assert.equal(await ask(3), 3, 'of one that is not known nothing is kept');
  freshness.heardLanding({ replica: 'b', landed: 4 });
  assert.equal(freshness.others[0]?.landed, 4);
  freshness.heardLanding({ replica: 'b', landed: 2 });
  assert.equal(freshness.others[0]?.landed, 4, 'notices may come in any order');
  assert.equal(await ask(3), 4);
  assert.equal(await ask(5), 5);
  assert.equal(await ask(5), 5);
});
