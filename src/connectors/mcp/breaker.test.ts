import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Breaker } from './breaker.ts';

it('opens after failures in a row, tries one at a time, and waits longer each time', () => {
  let now = 0;
  const breaker = new Breaker({ now: () => now, monotonic: () => now }, 3);
  breaker.failed();
  breaker.failed();
  breaker.answered();
  breaker.failed();
  breaker.failed();
  assert.equal(breaker.wait(), 0);
  breaker.failed();
  // what was in the air with it
  for (let i = 0; i < 50; i++) breaker.failed();
  assert.equal(breaker.wait(), 1_000);
  now = 1_000;
  assert.equal(breaker.wait(), 0);
  assert.ok(breaker.wait() > 0, 'one only');
  breaker.failed();
  assert.equal(breaker.wait(), 2_000);
  now = 3_000;
  assert.equal(breaker.wait(), 0);
  breaker.answered();
  assert.equal(breaker.wait(), 0);
  assert.equal(breaker.wait(), 0);
});
