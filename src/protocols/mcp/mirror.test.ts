import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import {
  bindingOfParams,
  decodeHeader,
  encodeHeader,
  mirroredParams,
  paramHeaders,
  paramMismatch,
  paramsOfBinding,
} from './mirror.ts';

const inner = (schema: JsonObject): JsonObject => ({ type: 'object', properties: schema });
const region = { type: 'string', 'x-mcp-header': 'Region' };

describe('mirrored parameters', () => {
  it('are found at any depth of properties', () => {
    const schema = inner({
      region,
      'a/b': inner({ '~n': { type: 'integer', 'x-mcp-header': 'N' } }),
    });
    const { params, fault } = mirroredParams(schema);
    assert.equal(fault, null);
    const binding = bindingOfParams(params);
    assert.deepEqual(binding, { '/region': 'Mcp-Param-Region', '/a~1b/~0n': 'Mcp-Param-N' });
    assert.deepEqual(paramsOfBinding(binding), params);
    const input = { region: 'Zürich', 'a/b': { '~n': 42 } };
    assert.deepEqual(paramHeaders(params, input), {
      'Mcp-Param-Region': '=?base64?WsO8cmljaA==?=',
      'Mcp-Param-N': '42',
    });
    assert.deepEqual(paramHeaders(params, { region: null }), {});
  });

  it('make a schema unusable where they must not stand', () => {
    const faulty: JsonObject[] = [
      { type: 'object', 'x-mcp-header': 'Root' },
      inner({ a: { type: 'string', 'x-mcp-header': '' } }),
      inner({ a: { type: 'string', 'x-mcp-header': 'two words' } }),
      inner({ a: { type: 'string', 'x-mcp-header': 'x\r\ny' } }),
      inner({ a: { type: 'number', 'x-mcp-header': 'A' } }),
      inner({ a: { type: ['string', 'null'], 'x-mcp-header': 'A' } }),
      inner({ a: region, b: { type: 'string', 'x-mcp-header': 'REGION' } }),
      inner({ a: { type: 'array', items: region } }),
      { type: 'object', anyOf: [inner({ region })] },
      { type: 'object', $defs: { one: inner({ region }) } },
    ];
    for (const schema of faulty) assert.notEqual(mirroredParams(schema).fault, null);
    assert.equal(mirroredParams(inner({ a: { const: { 'x-mcp-header': 'A' } } })).fault, null);
  });

  it('are compared with what the body says', () => {
    const { params } = mirroredParams(
      inner({ region, n: { type: 'integer', 'x-mcp-header': 'N' } }),
    );
    const differs = (input: JsonObject, headers: Record<string, string>) =>
      paramMismatch(params, input, (name) => headers[name]);
    assert.equal(
      differs({ region: 'a', n: 42 }, { 'mcp-param-region': 'a', 'mcp-param-n': '42.0' }),
      null,
    );
    assert.equal(differs({}, {}), null);
    assert.match(differs({ region: 'a' }, {}) ?? '', /missing/);
    assert.match(differs({ region: 'a' }, { 'mcp-param-region': 'b' }) ?? '', /not what/);
    assert.match(differs({}, { 'mcp-param-region': 'b' }) ?? '', /no such/);
    assert.match(differs({ region: 'ü' }, { 'mcp-param-region': '=?base64?w!?=' }) ?? '', /./);
  });
});

it('a header carries any text, and gives back that text only', () => {
  for (const text of ['plain', '', ' padded ', 'line\nbreak', 'Zürich', '=?base64?eA==?=', 'a\tb'])
    assert.equal(decodeHeader(encodeHeader(text)), text);
  assert.equal(encodeHeader('us west-1'), 'us west-1');
  for (const bad of ['ü', '=?base64?/w==?=', '=?base64?eB==?=', 'a\0b'])
    assert.equal(decodeHeader(bad), null, bad);
});
