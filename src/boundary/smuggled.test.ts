import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allShown, isSuspect, withSmuggledShown } from './smuggled.ts';

const tagged = (text: string): string =>
  [...text].map((one) => String.fromCodePoint(0xe0000 + (one.codePointAt(0) ?? 0))).join('');

const SMUGGLED: [string, string, string][] = [
  ['tags', `a${tagged('hi')}b`, 'a⟦U+E0068 U+E0069⟧b'],
  ['an override', 'a\u202eb', 'a⟦U+202E⟧b'],
  ['isolates', '\u2066x\u2069', '⟦U+2066⟧x⟦U+2069⟧'],
  ['a terminal', '\x1b[8mx\x9b0m', '⟦U+001B⟧[8mx⟦U+009B⟧0m'],
  ['backspaces', 'rm\b\b', 'rm⟦U+0008 U+0008⟧'],
  ['a null and a delete', '\0\x7f', '⟦U+0000 U+007F⟧'],
  ['bits without width', 'a\u200b\u200c\u200bb', 'a⟦U+200B U+200C U+200B⟧b'],
  ['bytes as selectors', '😀\ufe01\ufe02', '😀⟦U+FE01 U+FE02⟧'],
  ['bytes as selectors beyond', 'x\u{e0101}\u{e0102}', 'x⟦U+E0101 U+E0102⟧'],
  ['a flag of words', `\u{1f3f4}${tagged('obey')}`, '\u{1f3f4}⟦U+E006F U+E0062 U+E0065 U+E0079⟧'],
];

const PLAIN: [string, string][] = [
  ['lines and tabs', 'a\tb\r\nc\f'],
  ['emoji', '👩‍👩‍👧‍👦 ❤️ 🏳️‍🌈'],
  ['the flag of Scotland', `\u{1f3f4}${tagged('gbsct')}\u{e007f}`],
  ['Persian', 'می\u200cخواهم'],
  ['Hindi', 'क्\u200dष'],
  ['Hebrew with marks', 'שלום\u200f, \u200ehello'],
  ['a soft hyphen', 'Donau\u00addampf'],
  ['a variant of a character', '葛\u{e0100}'],
  ['a byte order mark', '\ufeffid,name'],
];

test('what nobody sees is written out, and counted', () => {
  for (const [name, text, shown] of SMUGGLED) {
    assert.equal(withSmuggledShown(text), shown, name);
    for (const value of [text, { [text]: [text] }])
      assert.ok(isSuspect(JSON.stringify(value)), `${name}: seen at one look`);
  }
  const long = allShown({ a: [tagged('x'.repeat(5_000))], 'k\u202e': 1 }, 8);
  assert.equal(long.hidden, 5_001);
  assert.ok(JSON.stringify(long.json).length < 200);
  assert.match(JSON.stringify(long.json), /and 4992 more/);
});

test('what languages and emoji need stays as it is', () => {
  for (const [name, text] of PLAIN) assert.equal(withSmuggledShown(text), text, name);
  assert.ok(!isSuspect(JSON.stringify(['plain', 'a\tb\n', '你好', 'é', 'C:\\tmp'])));
});
