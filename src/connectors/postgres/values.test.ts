import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorFailure } from '../../domain/connector.ts';
import type { Json } from '../../domain/json.ts';
import { decode, decodeRow, encodeArguments } from './values.ts';

const INT8 = 20;
const NUMERIC = 1700;
const JSONB = 3802;
const TEXT = 25;

for (const [text, type, value] of [
  ['t', 16, true],
  ['f', 16, false],
  ['42', 23, 42],
  ['9007199254740991', INT8, 9007199254740991],
  ['9007199254740993', INT8, '9007199254740993'],
  ['12.50', NUMERIC, 12.5],
  ['-0.1', NUMERIC, -0.1],
  ['123456789012345678.9', NUMERIC, '123456789012345678.9'],
  ['NaN', NUMERIC, 'NaN'],
  ['0.1234567890123456', 701, 0.1234567890123456],
  ['Infinity', 701, 'Infinity'],
  ['2026-11-22 17:06:00.25', 1114, '2026-11-22T17:06:00.25'],
  ['2026-11-22 17:06:00+00', 1184, '2026-11-22T17:06:00Z'],
  ['2026-11-22', 1082, '2026-11-22'],
  ['\\x00ff', 17, '\\x00ff'],
  ['{"a": 1, "b": 12345678901234567890}', JSONB, { a: 1, b: '12345678901234567890' }],
  ['{1,2,NULL}', 1007, [1, 2, null]],
  [
    '{{1,2},{3,4}}',
    1007,
    [
      [1, 2],
      [3, 4],
    ],
  ],
  ['[0:1]={1,2}', 1007, [1, 2]],
  ['{a,"b,\\"c\\\\","NULL",NULL,""}', 1009, ['a', 'b,"c\\', 'NULL', null, '']],
  ['{}', 1009, []],
  ['anything', 99_999, 'anything'],
  [null, 23, null],
] as const)
  test(`decodes ${text} of type ${type}`, () => {
    assert.deepEqual(decode(text, type), value);
  });

test('a column cannot pose as the prototype', () => {
  const row = decodeRow([{ name: '__proto__', type: TEXT }], ['x']);
  assert.equal(JSON.stringify(row), '{"__proto__":"x"}');
  assert.equal(Object.getPrototypeOf(row), Object.prototype);
});

test('arguments go in the order of the parameters; an absent one is NULL', () => {
  const parameters = [
    { name: 'b', type: 23 },
    { name: 'a', type: TEXT },
    { name: 'c', type: 16 },
    { name: 'toString', type: TEXT },
  ];
  assert.deepEqual(encodeArguments(parameters, { a: 'x', b: 1, c: false }), [
    '1',
    'x',
    'false',
    null,
  ]);
});

for (const [value, type, text] of [
  [{ a: 1 }, JSONB, '{"a":1}'],
  [null, JSONB, 'null'],
  [null, TEXT, null],
  [[1, null, 3], 1007, '{"1",NULL,"3"}'],
  [['a"b', 'c\\d', 'NULL'], 1009, '{"a\\"b","c\\\\d","NULL"}'],
  [[[1], [2]], 1007, '{{"1"},{"2"}}'],
  [[{ a: 1 }], 3807, '{"{\\"a\\":1}"}'],
] as const)
  test(`encodes ${JSON.stringify(value)} for type ${type}`, () => {
    const given: { v: Json } = { v: value as Json };
    assert.deepEqual(encodeArguments([{ name: 'v', type }], given), [text]);
  });

test('an object for a plain type is refused before anything is sent', () => {
  assert.throws(
    () => encodeArguments([{ name: 'v', type: TEXT }], { v: { a: 1 } }),
    (error: unknown) => error instanceof ConnectorFailure && error.effect === 'none',
  );
});
