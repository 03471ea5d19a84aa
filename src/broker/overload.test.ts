import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Op } from '../domain/ops.ts';
import type { Store } from '../domain/store.ts';
import { realDoors } from '../doors.ts';
import { Overload } from './overload.ts';

/** A store that keeps what it is given, until it is full, and a timer that is wound by hand. */
function scene() {
  const notes: unknown[] = [];
  const wound: (() => void)[] = [];
  const state = { full: false };
  const commit = async (op: Op) => {
    if (state.full) throw new Error('full');
    if (op.kind === 'system.note') notes.push({ type: op.type, ...op.body });
    return { ok: true };
  };
  const real = realDoors();
  const timers = {
    ...real.timers,
    after: (_: number, run: () => void) => {
      wound.push(run);
      return { cancel: () => undefined };
    },
  };
  const store = { commit } as unknown as Pick<Store, 'commit'>;
  return { notes, wound, state, overload: new Overload(store, { ...real, timers }, 'agents') };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the first refusal is noted at once, the others together, and silence ends it', async () => {
  const { notes, wound, overload } = scene();
  for (let i = 0; i < 1_000; i++) overload.refused();
  assert.deepEqual(notes, [{ type: 'overload', where: 'agents', refused: 1 }]);
  wound.shift()?.();
  assert.deepEqual(notes[1], { type: 'overload', where: 'agents', refused: 999 });
  wound.shift()?.();
  await settled();
  assert.deepEqual([notes.length, wound.length], [2, 0]);
  overload.refused();
  assert.equal(notes.length, 3);
});

test('what a full store did not take is told with the next', async () => {
  const { notes, wound, state, overload } = scene();
  state.full = true;
  for (let i = 0; i < 5; i++) overload.refused();
  await settled();
  state.full = false;
  wound.shift()?.();
  await settled();
  assert.deepEqual(notes, [{ type: 'overload', where: 'agents', refused: 5 }]);
});
