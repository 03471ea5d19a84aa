import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('who stood in line while a server hung is told of the same failure, who comes later asks anew', async () => {
  let now = 0;
  let asked = 0;
  const turns = new Turns({ monotonic: () => now });
  const ask = (takes: number, fails: boolean) => async (): Promise<number> => {
    asked += 1;
    await Promise.resolve();
    now += takes;
    if (fails) throw new Error('no answer within 10000 ms');
    return asked;
  };
  const first = turns.asking(ask(10_000, true));
  const line = [1, 2, 3].map(() => turns.asking(ask(10_000, true)));
  const own = turns.alone(async () => 'not of that server');
  for (const one of [first, ...line]) await assert.rejects(one, /no answer within 10000 ms/);
  assert.equal(await own, 'not of that server');
  assert.deepEqual([asked, now], [1, 10_000]);
  assert.equal(await turns.asking(ask(5, false)), 2);
  await assert.rejects(turns.asking(ask(5, true)));
  const [quick, next] = [turns.asking(ask(5, true)), turns.asking(ask(5, false))];
  await assert.rejects(quick);
  assert.equal(await next, 5, 'a quick no is for one');
});
