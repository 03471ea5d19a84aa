import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Roster } from './roster.ts';

test('a roster is a Map in the order things came', () => {
  const roster = new Roster<string, { n: number }>();
  for (const [n, key] of ['a', 'b', 'c'].entries()) roster.set(key, { n });
  roster.set('a', { n: 9 });
  assert.deepEqual(roster.values(), [{ n: 1 }, { n: 2 }, { n: 9 }]);
  assert.deepEqual([roster.size, roster.has('b'), roster.get('b')], [3, true, { n: 1 }]);
  assert.deepEqual(
    [roster.delete('b'), roster.delete('b'), roster.get('b')],
    [true, false, undefined],
  );
  roster.clear();
  assert.deepEqual([roster.size, roster.values()], [0, []]);
});

type Collect = (options?: { readonly type: 'minor' }) => void;

interface Kept {
  set(key: string, value: object): void;
  delete(key: string): boolean;
}

/** Bytes of the old space that 2,000 of 1,600 bytes take, of which 64 at a time are under way. */
function outlived(kept: Kept, collect: Collect): number {
  const old = (): number =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')
      ?.space_used_size ?? 0;
  kept.set('call -1', {});
  collect(); // now its table is old
  const before = old();
  for (let n = 0; n < 2_000; n++) {
    kept.set(`call ${n}`, { held: Array.from({ length: 200 }, (_, at) => n + at + 0.5) });
    kept.delete(`call ${n - 64}`);
    if (n % 250 === 0) collect({ type: 'minor' });
  }
  return old() - before;
}

test('what went is not kept by the tables it once stood in', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  const byMap = outlived(new Map(), collect);
  const byRoster = outlived(new Roster<string, object>(), collect);
  assert.ok(byRoster < byMap / 2, `${byRoster} bytes, and ${byMap} with a Map`);
});
