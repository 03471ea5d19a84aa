import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createStateSeal } from './request-state.ts';

const entropy = { bytes: (length: number) => randomBytes(length), id: (prefix: string) => prefix };
const state = {
  runId: 'run_1',
  tool: 'set_plan',
  argumentsDigest: 'd'.repeat(64),
  rounds: 1,
  expiresAt: 1_000,
  continuation: null,
  waits: { for: 'approval', approvalId: 'ask_1', actionId: 'act_1', previewed: true },
} as const;

test('sealed state comes back as it was, tells nothing, and differs every time', () => {
  const seal = createStateSeal(randomBytes(32), entropy);
  const sealed = seal.seal(state);
  assert.deepEqual(seal.open(sealed), state);
  assert.notEqual(seal.seal(state), sealed);
  assert.ok(!Buffer.from(sealed, 'base64url').includes('set_plan'));
});

test('any changed, cut, padded, foreign or oversized state is refused', () => {
  const seal = createStateSeal(randomBytes(32), entropy);
  const sealed = seal.seal(state);
  const bytes = Buffer.from(sealed, 'base64url');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(seal.open(changed.toString('base64url')), null, `byte ${at}`);
  }
  const foreign = createStateSeal(randomBytes(32), entropy).seal(state);
  const others = [
    '',
    'x',
    sealed.slice(0, -1),
    `${sealed}=`,
    `${sealed}A`,
    foreign,
    'A'.repeat(70_000),
  ];
  for (const other of others) assert.equal(seal.open(other), null, other.slice(0, 20));
});
