import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../domain/json.ts';
import { parseSelection } from './selection.ts';

const DOCUMENT: Json = {
  name: 'acme',
  'odd-name': 1,
  items: [
    { id: 1, state: 'open', tags: ['a', 'b'], owner: { name: 'x' } },
    { id: 2, state: 'shut', tags: [], owner: null },
    { id: 3, state: 'open', tags: ['c'], total: 7 },
  ],
  by: { one: { n: 1 }, two: { n: 2 } },
};

const CASES: [string, Json][] = [
  ['name', 'acme'],
  ['"odd-name"', 1],
  ['missing', null],
  ['constructor', null],
  ['items[0].id', 1],
  ['items[-1].id', 3],
  ['items[9]', null],
  ['items[*].id', [1, 2, 3]],
  ['items[*].owner.name', ['x']],
  ['items[0:2].id', [1, 2]],
  ['items[1:].id', [2, 3]],
  ['items[].tags[]', ['a', 'b', 'c']],
  ['items[*].tags', [['a', 'b'], [], ['c']]],
  ['by.*.n', [1, 2]],
  ["items[?state == 'open'].id", [1, 3]],
  ['items[?id > `1` && id <= `3`].id', [2, 3]],
  ["items[?!(state == 'open')].id", [2]],
  ['items[?total].id', [3]],
  ["items[?state == 'open' || id == `2`] | [0].id", 1],
  ['items[*].{n: id, s: state} | [0]', { n: 1, s: 'open' }],
  ['items[*].[id, state] | [1]', [2, 'shut']],
  ['{total: length(items), name: name}', { total: 3, name: 'acme' }],
  ['items[?length(tags) > `0`].id', [1, 3]],
  ['@.name', 'acme'],
  ['(items)[0].id', 1],
];
for (const [text, expected] of CASES)
  test(`\`${text}\``, () => assert.deepEqual(parseSelection(text)(DOCUMENT), expected));

test('what cannot be read is refused when it is written', () => {
  for (const text of [
    '',
    'a.',
    'a[',
    'a[?',
    'a[b]',
    '{a}',
    'sort(a)',
    'a b',
    '#',
    "'a",
    '`{`',
    'a'.repeat(3_000),
  ])
    assert.throws(() => parseSelection(text), SyntaxError, text);
  assert.throws(() => parseSelection(`${'('.repeat(40)}a${')'.repeat(40)}`), SyntaxError);
});

test('a selection that multiplies is given up', () => {
  const list: Json = Array.from({ length: 2_000 }, (_, i) => i);
  const nested: Json = { a: list.map(() => ({ b: list })) };
  assert.throws(() => parseSelection('a[?b[?@ > `0`]]')(nested), RangeError);
});
