import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pointed } from './pointer.ts';

test('a reference is followed inside the document, and never out of it', () => {
  const root = { $defs: { 'a/b': { c: 1 }, 'd e': 2, '~': 3 }, list: [4] };
  const cases: readonly [string, unknown][] = [
    ['#/$defs/a~1b', { c: 1 }],
    ['#/$defs/a~1b/c', 1],
    ['#/$defs/d%20e', 2],
    ['#/$defs/~0', 3],
    ['#/$defs/100%', undefined],
    ['#/list/0', undefined],
    ['#/$defs/toString', undefined],
    ['#/__proto__/x', undefined],
    ['/$defs', undefined],
    ['https://elsewhere.example/#/$defs', undefined],
  ];
  for (const [reference, expected] of cases)
    assert.deepEqual(pointed(root, reference), expected, reference);
});
