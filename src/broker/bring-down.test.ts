import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bringDown } from './bring-down.ts';
import type { Broker } from './broker.ts';
import { Flights } from './flights.ts';

test('a halt has landed only when the store has the outcome of what it brought down', async () => {
  const flights = new Flights();
  const parts = { streams: { end: () => 0 }, connectors: new Map(), notices: { notify() {} } };
  const broker = { flights, ...parts } as unknown as Broker;
  flights.take('act_1', ['all', 'run:a']);
  const down = bringDown(broker, 'run:a', new Set());
  let isOver = false;
  void down.landed.then(() => {
    isOver = true;
  });
  flights.owe('act_1', null);
  flights.land('act_1');
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([down.aborted, isOver], [1, false]);
  flights.paid('act_1');
  assert.deepEqual(await down.landed, []);
});
