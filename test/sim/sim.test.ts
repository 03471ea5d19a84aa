import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findPlanted } from './campaign.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';
import { runSeed } from './seed.ts';

test('25 seeds hold every invariant, and each lives the same life twice', async () => {
  const counted = { effects: 0, crashes: 0, halts: 0, lostAnswers: 0, parked: 0 };
  for (let seed = 1; seed <= 25; seed++) {
    const once = await runSeed(seed);
    assert.equal(once.violation, null, `seed ${seed}\n${once.last.join('\n')}`);
    const { effects = 0, crashes = 0, halts = 0, lostAnswers = 0 } = once.tally;
    counted.effects += effects;
    counted.crashes += crashes;
    counted.halts += halts;
    counted.lostAnswers += lostAnswers;
    counted.parked += once.tally['told parked'] ?? 0;
    if (seed > 20) continue;
    const again = await runSeed(seed);
    assert.equal(again.trace, once.trace, `seed ${seed} went another way the second time`);
  }
  for (const [what, times] of Object.entries(counted))
    assert.ok(times > 0, `no ${what} in 25 seeds: they prove nothing`);
});

test('a planted bug is found', async () => {
  const { 'lost-void': found } = await findPlanted(['lost-void'], () => {});
  assert.equal(found?.broke, 'spent_plus_pending_le_limit');
});

test('what a dead incarnation waits for never comes; what the world does goes on', () => {
  const schedule = new Schedule();
  const came: string[] = [];
  schedule.living.add(1);
  schedule.after(5, 1, 'answer', () => came.push('answer'));
  schedule.after(5, 'world', 'effect', () => came.push('effect'));
  schedule.after(2, 'world', 'crash', () => {
    schedule.living.delete(1);
    schedule.living.add(2);
  });
  while (schedule.step(10) !== null);
  assert.deepEqual(came, ['effect']);
});

test('chance is the same for the same seed and spreads evenly', () => {
  const [a, b] = [new Random(7), new Random(7)];
  const drawn = Array.from({ length: 1_000 }, () => a.next());
  assert.deepEqual(
    drawn,
    Array.from({ length: 1_000 }, () => b.next()),
  );
  const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
  assert.ok(drawn.every((x) => x >= 0 && x < 1));
});
