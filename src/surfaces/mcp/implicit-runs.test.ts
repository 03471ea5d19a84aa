import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../broker/broker.ts';
import type { Governed } from '../runs/governed.ts';
import { ImplicitRuns } from './implicit-runs.ts';

const MINUTE = 60_000;

/** The life of undeclared runs on a clock of our own; whether they can act is for the end-to-end tests. */
function started() {
  const began: string[] = [];
  const ended: string[] = [];
  const time = { now: 0 };
  const halts: { scope: string; state: string }[] = [];
  const broker = {
    doors: {
      clock: { now: () => time.now, monotonic: () => time.now },
      timers: { every: () => ({ cancel() {} }) },
    },
    store: { haltState: async () => ({ halts }) },
  } as unknown as Broker;
  const governed = {
    broker,
    async beginRun() {
      const id = `run_${began.length + 1}`;
      began.push(id);
      return { id, expiresAt: time.now + 480 * MINUTE };
    },
    async endRun(_broker: Broker, id: string) {
      ended.push(id);
    },
  } as unknown as Governed;
  return { runs: new ImplicitRuns(governed), began, ended, time, halts };
}

const who = (client: string, tokenHash = 't') => ({ agent: 'a', tokenHash, client });
const idOf = async (id: string): Promise<string> => id;
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a run is kept while it is used, ended after 15 idle minutes, never during a call', async () => {
  const { runs, ended, time } = started();
  assert.equal(await runs.during(who('x'), idOf), 'run_1');
  time.now += 14 * MINUTE;
  runs.sweep();
  await settled();
  assert.equal(await runs.during(who('x'), idOf), 'run_1');
  const release = Promise.withResolvers<void>();
  const held = runs.during(who('x'), () => release.promise);
  await settled();
  time.now += 60 * MINUTE;
  runs.sweep();
  await settled();
  assert.deepEqual(ended, []);
  release.resolve();
  await held;
  time.now += 15 * MINUTE;
  runs.sweep();
  await settled();
  assert.deepEqual(ended, ['run_1']);
  assert.equal(await runs.during(who('x'), idOf), 'run_2');
  time.now += 480 * MINUTE;
  assert.equal(await runs.during(who('x'), idOf), 'run_3');
});

test('a halted run is not forgotten, however long it idles', async () => {
  const { runs, ended, time, halts } = started();
  await runs.during(who('x'), idOf);
  halts.push({ scope: 'run:run_1', state: 'inert' });
  time.now += 60 * MINUTE;
  runs.sweep();
  await settled();
  assert.deepEqual(ended, []);
  await assert.rejects(runs.during(who('y'), idOf), { code: 'HALTED' });
  assert.equal(await runs.during(who('y', 'another secret'), idOf), 'run_2');
});

test('a secret has at most sixteen of them, and all end with the surface', async () => {
  const { runs, began, ended } = started();
  await Promise.all(Array.from({ length: 16 }, (_, index) => runs.during(who(`c${index}`), idOf)));
  await assert.rejects(runs.during(who('one more'), idOf), { code: 'OVERLOADED' });
  await runs.over('run_1');
  await runs.during(who('one more'), idOf);
  assert.equal(began.length, 17);
  await runs.close();
  assert.equal(ended.length, 16);
});
