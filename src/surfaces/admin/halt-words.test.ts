import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOf, inertLabel } from './halt-words.ts';

const lease = (dead: boolean) => ({ handle: 'l', dead, ms: 1, note: '' });

test('a fixed secret that a halt dropped is not said to be dead', () => {
  const dropped = { inertMs: 12, leases: [lease(true), lease(false)] };
  assert.equal(endOf(dropped, lease(true)), 'dead');
  assert.equal(endOf(dropped, lease(false)), 'dropped here, still valid at its source; rotate it');
  assert.doesNotMatch(inertLabel(dropped), /every credential/);
});

test('what is not known to be over is not confirmed', () => {
  const going = { inertMs: null, leases: [lease(false)] };
  assert.equal(endOf(going, lease(false)), 'not confirmed');
  const over = { inertMs: 12, leases: [lease(true)] };
  assert.equal(inertLabel(over), 'every credential confirmed dead after');
});
