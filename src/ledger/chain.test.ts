import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { EMPTY, GENESIS, hashOf, link } from './chain.ts';

const event = { chain: 'run_a', at: 5, type: 'run.begun', body: '{"v":1}' };

test('a record is hashed over exactly these bytes, for ever', () => {
  const first = link(EMPTY, event);
  assert.equal(first.seq, 1);
  assert.equal(first.previous, GENESIS);
  const bytes = `signalbox/event\nrun_a\n1\n5\nrun.begun\n${'0'.repeat(64)}\n{"v":1}`;
  assert.equal(first.hash, createHash('sha256').update(bytes).digest('hex'));
  const second = link(first, event);
  assert.equal(second.seq, 2);
  assert.equal(second.previous, first.hash);
  assert.notEqual(second.hash, first.hash);
});

test('what would let two records share their bytes is refused', () => {
  const linked = link(EMPTY, event);
  for (const bad of [{ chain: 'run_a\n1' }, { type: 'x\ny' }, { previous: '0\n' }])
    assert.throws(() => hashOf({ ...linked, ...bad }), RangeError);
});
