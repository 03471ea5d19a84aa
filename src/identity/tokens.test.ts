import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { bearerOf, hashOfToken, kindOfToken, mintToken } from './tokens.ts';

const entropy = { bytes: (length: number) => randomBytes(length), id: (prefix: string) => prefix };
const KINDS = ['run', 'agent', 'operator', 'session', 'setup'] as const;

test('a token shows its kind, has 256 random bits, and is never made twice', () => {
  for (const kind of KINDS) {
    const token = mintToken(kind, entropy);
    assert.match(token, /^sbx_(run|agt|opr|ses|set)_[0-9A-Za-z]{49}$/);
    assert.equal(kindOfToken(token), kind);
    assert.notEqual(mintToken(kind, entropy), token);
    assert.match(hashOfToken(token), /^[0-9a-f]{64}$/);
  }
  const most = mintToken('run', { ...entropy, bytes: (length) => Buffer.alloc(length, 255) });
  const least = mintToken('run', { ...entropy, bytes: (length) => Buffer.alloc(length) });
  assert.equal(most.length, least.length);
});

test('the checksum catches every single mistyped character', () => {
  const token = mintToken('run', entropy);
  for (let at = 0; at < token.length; at++) {
    const other = token[at] === 'a' ? 'b' : 'a';
    assert.equal(kindOfToken(token.slice(0, at) + other + token.slice(at + 1)), null, `at ${at}`);
  }
  const others = [
    '',
    'sbx_run_',
    token.slice(1),
    `${token}a`,
    token.replace('run', 'agt'),
    `é${token.slice(1)}`,
  ];
  for (const other of others) assert.equal(kindOfToken(other), null);
});

test('only a bearer header holds a token', () => {
  assert.equal(bearerOf('Bearer abc'), 'abc');
  assert.equal(bearerOf('bearer  abc '), 'abc');
  assert.throws(() => bearerOf(undefined), { code: 'TOKEN_MISSING' });
  assert.throws(() => bearerOf(''), { code: 'TOKEN_MISSING' });
  for (const header of ['abc', 'Basic abc', 'Bearer', 'Bearer '])
    assert.throws(() => bearerOf(header), { code: 'TOKEN_INVALID' });
});
