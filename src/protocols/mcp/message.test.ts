import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolFault } from './faults.ts';
import { idIn, parseBody } from './message.ts';

const fault = (code: number, text: RegExp) => (error: unknown) =>
  error instanceof ProtocolFault && error.code === code && text.test(error.message);

const request = (more: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', ...more });

test('requests, notifications and responses are told apart', () => {
  assert.deepEqual(parseBody(request()), {
    kind: 'request',
    id: 1,
    method: 'tools/list',
    params: {},
  });
  assert.deepEqual(parseBody('{"jsonrpc":"2.0","method":"a","params":{"b":1}}'), {
    kind: 'notification',
    method: 'a',
    params: { b: 1 },
  });
  assert.deepEqual(parseBody('{"jsonrpc":"2.0","id":1,"result":{}}'), {
    kind: 'response',
    id: 1,
    result: {},
  });
  const refusal = parseBody('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}');
  assert.deepEqual(refusal, { kind: 'response', id: 1, result: null });
});

test('bodies that are no message are refused with the code of the specification', () => {
  const cases: [string, number, RegExp][] = [
    ['', -32700, /not JSON/],
    ['{"jsonrpc":"2.0",', -32700, /not JSON/],
    ['null', -32600, /jsonrpc/],
    ['"text"', -32600, /jsonrpc/],
    ['{}', -32600, /jsonrpc/],
    [request({ jsonrpc: '1.0' }), -32600, /jsonrpc/],
    ['{"jsonrpc":"2.0","id":1}', -32600, /method/],
    [request({ method: 7 }), -32600, /method/],
    [request({ method: '' }), -32600, /method/],
    [request({ method: 'm'.repeat(129) }), -32600, /method/],
    [request({ id: null }), -32600, /`id`/],
    [request({ id: 1.5 }), -32600, /`id`/],
    [request({ id: 2 ** 60 }), -32600, /`id`/],
    [request({ id: {} }), -32600, /`id`/],
    [request({ id: 'i'.repeat(257) }), -32600, /`id`/],
    [request({ params: [] }), -32600, /`params`/],
    [request({ params: null }), -32600, /`params`/],
    ['[]', -32600, /empty batch/],
    [`[${Array(17).fill(request()).join(',')}]`, -32600, /more than 16/],
    [`[${request()},${request()}]`, -32600, /same id/],
  ];
  for (const [body, code, text] of cases)
    assert.throws(() => parseBody(body), fault(code, text), body.slice(0, 60));
});

test('what would hurt a reader downstream is refused wherever it stands', () => {
  const params = (text: string) => `{"jsonrpc":"2.0","id":1,"method":"m","params":${text}}`;
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const cases: [string, RegExp][] = [
    [params('{"a":"\\ud800"}'), /lone surrogate/],
    [params('{"\\udc00":1}'), /lone surrogate/],
    [params('{"a":["x\\u0000y"]}'), /NUL/],
    [params('{"a":{"__proto__":{"admin":true}}}'), /__proto__/],
    [params(`{"a":${deep(31)}}`), /deeper than 32/],
    [params(`{"a":${deep(100_000)}}`), /deeper than 32/],
    [params(`{"a":[${Array(20_001).fill(1).join(',')}]}`), /more than 20000 values/],
  ];
  for (const [body, text] of cases)
    assert.throws(() => parseBody(body), fault(-32600, text), body.slice(0, 80));
  assert.equal(({} as { admin?: boolean }).admin, undefined);
  assert.doesNotThrow(() => parseBody(params(`{"a":${deep(29)},"b":"\\ud83d\\ude00"}`)));
});

test('a number that would become another one is refused as an argument, and only there', () => {
  const call = (params: string) =>
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
  for (const number of [
    '9007199254740993',
    '-9007199254740993',
    '9007199254740993.0',
    '0.9007199254740993e16',
    '90071992547409931234',
    '1234567890123456.78',
    '1e400',
    '1e-400',
  ]) {
    const refused = fault(-32602, /`id` has more digits/);
    assert.throws(() => parseBody(call(`{"arguments":{"a":[{"id":${number}}]}}`)), refused, number);
    assert.throws(() => parseBody(`[${call(`{"arguments":{"id":${number}}}`)}]`), refused, number);
    assert.doesNotThrow(() => parseBody(call(`{"_meta":{"at":${number}},"arguments":{}}`)), number);
    assert.doesNotThrow(() => parseBody(call(`{"arguments":{"id":"${number}"}}`)), number);
  }
  for (const number of [
    '9007199254740991',
    '9007199254740992',
    '1000000000000000000000',
    '1.0000000000000000',
    '0.10000000000000001',
    '3.141592653589793',
    '-0.0000000000000000',
    '1e-007',
    '1e300',
  ])
    assert.deepEqual(
      parseBody(call(`{"arguments":{"id":${number}}}`)),
      {
        kind: 'request',
        id: 1,
        method: 'tools/call',
        params: { arguments: { id: Number(number) } },
      },
      number,
    );
});

test('a refused body is answered under its own id where that can be read', () => {
  assert.equal(idIn(request({ id: 'x', params: [] })), 'x');
  assert.equal(idIn('{"id":'), null);
  assert.equal(idIn('[1]'), null);
  assert.equal(idIn(request({ id: {} })), null);
});
