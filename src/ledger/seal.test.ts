import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  keyCheck,
  newChainKey,
  openPayload,
  sealPayload,
  unwrapChainKey,
  wrappingKey,
} from './seal.ts';

let drawn = 0;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(++drawn);
const MASTER = new Uint8Array(32).fill(9);
const wrapping = wrappingKey(MASTER);
const at = { chain: 'run_a', seq: 3 };

test('a payload opens with its key, at its place, against its commitment', () => {
  const { key, wrapped } = newChainKey(wrapping, 'run_a', bytes);
  const { sealed, commitment } = sealPayload(key, at, { b: 1, a: 'ä' }, bytes);
  const again = unwrapChainKey(wrapping, 'run_a', wrapped);
  assert.deepEqual(openPayload(again, at, sealed, commitment), { a: 'ä', b: 1 });
  assert.throws(() => openPayload(again, { ...at, seq: 4 }, sealed, commitment));
  assert.throws(() => openPayload(again, { ...at, chain: 'run_b' }, sealed, commitment));
  assert.throws(() => openPayload(again, at, sealed, commitment.replace(/^./, 'z')));
  assert.throws(() => openPayload(again, at, sealed, ''));
  assert.throws(() => openPayload(again, at, sealed.subarray(0, 20), commitment));
  const { key: other } = newChainKey(wrapping, 'run_a', bytes);
  assert.throws(() => openPayload(other, at, sealed, commitment));
});

test('a wrapped key opens for its chain and its master key only', () => {
  const { wrapped } = newChainKey(wrapping, 'run_a', bytes);
  assert.throws(() => unwrapChainKey(wrapping, 'run_b', wrapped));
  assert.throws(() => unwrapChainKey(wrappingKey(new Uint8Array(32)), 'run_a', wrapped));
  assert.throws(() => wrappingKey(new Uint8Array(31)), RangeError);
  assert.notEqual(keyCheck(MASTER), keyCheck(new Uint8Array(32)));
});

test('the same payload is sealed differently every time, and committed to differently', () => {
  const { key } = newChainKey(wrapping, 'run_a', bytes);
  const [one, two] = [0, 1].map(() => sealPayload(key, at, { a: 1 }, bytes));
  assert.notDeepEqual(one?.sealed, two?.sealed);
  assert.notEqual(one?.commitment, two?.commitment);
  assert.equal(Buffer.from(one?.sealed ?? []).includes('"a"'), false);
});
