import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../broker/broker.ts';
import { Notices } from '../../broker/notices.ts';
import { holdWhilePending } from './hold.ts';

/** A broker whose time passes only when somebody waits, and whose ask stands as the test says. */
function brokerWith(stateAt: (ms: number) => string | null, expiresAt = Number.POSITIVE_INFINITY) {
  const time = { now: 0 };
  const timers = {
    after(ms: number, run: () => void) {
      const pending = setImmediate(() => {
        time.now += ms;
        run();
      });
      return { cancel: () => clearImmediate(pending) };
    },
    every: () => ({ cancel() {} }),
  };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const store = {
    async ask() {
      const state = stateAt(time.now);
      return state === null ? null : { approval: { state, binding: { expiresAt } } };
    },
  };
  const freshness = { require: () => {} };
  const broker = { doors: { clock, timers }, store, freshness, notices: new Notices(timers) };
  return { broker: broker as unknown as Broker, time };
}

const held = (broker: Broker, deadline: number, tick = () => {}) =>
  holdWhilePending(broker, 'ask_1', { deadline, signal: new AbortController().signal }, tick);

test('an answer whose notice was lost is seen within five seconds', async () => {
  const { broker, time } = brokerWith((ms) => (ms < 7_000 ? 'pending' : 'approved'));
  assert.equal(await held(broker, 60_000), 'approved');
  assert.equal(time.now, 10_000);
});

test('the wait is over in time, with a sign of life for every slice', async () => {
  const { broker, time } = brokerWith(() => 'pending');
  let ticks = 0;
  assert.equal(await held(broker, 12_000, () => ticks++), 'pending');
  assert.deepEqual([time.now, ticks], [12_000, 3]);
});

test('an ask that expired, or is gone, ends the wait', async () => {
  assert.equal(await held(brokerWith(() => 'pending', 3_000).broker, 60_000), 'expired');
  assert.equal(await held(brokerWith(() => 'approved', 0).broker, 60_000), 'expired');
  assert.equal(await held(brokerWith(() => null).broker, 60_000), 'void');
  assert.equal(await held(brokerWith(() => 'used', 0).broker, 60_000), 'used');
});
