import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mixesAlphabets, plain, reveal } from './reveal.ts';

test('plain text stays as it is', () => {
  for (const text of ['', 'update customers', 'Ærøskøbing', '東京', 'naïve café', '👩‍💻'])
    assert.equal(plain(text), text);
});

test('what is not seen, or changes what is seen, is written out', () => {
  assert.equal(plain('pay\u202eeulav'), 'pay⟦U+202E⟧eulav');
  assert.equal(plain('ad\u200bmin'), 'ad⟦U+200B⟧min');
  assert.equal(plain('a\u00a0b\u3000c'), 'a⟦U+00A0⟧b⟦U+3000⟧c');
  assert.equal(plain('\u{e0041}x'), '⟦U+E0041⟧x');
  assert.equal(plain('x\ue000'), 'x⟦U+E000⟧');
  assert.deepEqual(reveal('a\u202e'), [{ text: 'a' }, { hidden: 'U+202E', name: 'direction' }]);
});

test('no text moves the cursor of a terminal', () => {
  assert.equal(
    plain('\u001b[2Jgone\rover\u0007\u009b1A'),
    '⟦U+001B⟧[2Jgone⟦U+000D⟧over⟦U+0007⟧⟦U+009B⟧1A',
  );
  assert.equal(plain('a\nb\tc'), 'a⟦U+000A⟧b⟦U+0009⟧c');
  assert.equal(plain('a\nb\tc\r\n', true), 'a\nb\tc⟦U+000D⟧\n');
});

test('words of several alphabets are noticed', () => {
  assert.equal(mixesAlphabets('pаypal'), true);
  assert.equal(mixesAlphabets('paypal банк αβγ'), false);
});
