import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revocability } from '../../domain/credential.ts';
import { endOf, inertLabel } from './halt-words.ts';

const lease = (dead: boolean, revocability: Revocability = 'none') => ({
  dead,
  revocability,
  until: dead ? null : Date.UTC(2026, 0, 1, 10, 15),
});

test('a fixed secret that a halt dropped is not said to be dead', () => {
  const dropped = { inertMs: 12, leases: [lease(true), lease(false)] };
  assert.equal(endOf(dropped, lease(true)), 'dead');
  assert.match(
    endOf(dropped, lease(false)),
    /not revocable by us.*still valid at its source; rotate/,
  );
  assert.doesNotMatch(inertLabel(dropped), /every credential/);
});

test('what is not known to be over is not confirmed', () => {
  const going = { inertMs: null, leases: [lease(false)] };
  assert.equal(endOf(going, lease(false, 'instant')), 'not confirmed dead, still trying');
  assert.match(
    endOf(going, lease(false, 'bounded')),
    /still trying; ends by itself at 10:15:00 UTC/,
  );
  const over = { inertMs: 12, leases: [lease(true)] };
  assert.equal(inertLabel(over), 'every credential confirmed dead after');
});
