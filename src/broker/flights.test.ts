import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HALT_ABORT } from '../domain/halt.ts';
import { Flights } from './flights.ts';

const SCOPES = ['all', 'run:a'];

test('a halt in scope brings a flight down, and is told when it has landed', async () => {
  const flights = new Flights();
  const here = flights.take('1', SCOPES);
  const there = flights.take('2', ['all', 'run:b']);
  flights.sent('1');
  const { aborted, sent, landed } = flights.abort('run:a');
  assert.deepEqual([aborted, sent, here.reason, there.aborted], [1, 1, HALT_ABORT, false]);
  flights.land('1');
  assert.equal(await landed, true);
  assert.deepEqual([flights.count('run:a'), flights.count('all')], [0, 1]);
});

test('a flight goes down with its caller, whose reason it keeps, until it has landed', () => {
  const flights = new Flights();
  const [early, late, gone] = [1, 2, 3].map(() => new AbortController());
  assert.ok(early !== undefined && late !== undefined && gone !== undefined);
  const first = flights.take('1', SCOPES, early.signal);
  const second = flights.take('2', SCOPES, late.signal);
  gone.abort();
  assert.equal(flights.take('3', SCOPES, gone.signal).aborted, true);
  const why = new Error('the caller went away');
  early.abort(why);
  assert.equal(first.reason, why);
  flights.abort('run:a');
  assert.equal(first.reason, why, 'the first reason stays');
  flights.land('2');
  assert.equal(second.reason, HALT_ABORT);
  const third = flights.take('4', SCOPES, late.signal);
  flights.land('4');
  late.abort(why);
  assert.equal(third.aborted, false, 'what has landed hears of nobody');
});

test('the runs in a scope are those that fly, not those above them', () => {
  const flights = new Flights();
  flights.take('act_1', ['all', 'agent:child', 'agent:ann', 'run:child', 'run:root']);
  flights.take('act_2', ['all', 'agent:bob', 'run:bob']);
  assert.deepEqual(flights.runsIn('agent:ann'), ['child']);
  assert.deepEqual(flights.runsIn('run:root'), ['child']);
  assert.deepEqual(flights.runsIn('all'), ['child', 'bob']);
});

test('a halt of a credential brings down what flies with it', () => {
  const flights = new Flights();
  const [first, second] = ['act_1', 'act_2'].map((id) => flights.take(id, ['all']));
  flights.lent('act_1', 'lease_1');
  assert.equal(flights.abort('credential:lease_1').aborted, 1);
  assert.deepEqual([first?.aborted, second?.aborted], [true, false]);
});

test('what landed with an outcome that the store did not take is over for a halt when it is recorded', async () => {
  const flights = new Flights();
  for (const id of ['act_1', 'act_2', 'act_3']) flights.take(id, SCOPES);
  flights.owe('act_1', null);
  flights.owe('act_2', null);
  flights.paid('act_2');
  for (const id of ['act_1', 'act_2', 'act_3']) flights.land(id);
  let isRecorded = false;
  const recorded = flights.recorded('run:a').then(() => {
    isRecorded = true;
  });
  await flights.recorded('run:b');
  assert.equal(isRecorded, false);
  flights.paid('act_1');
  await recorded;
  await flights.recorded('all');
});
