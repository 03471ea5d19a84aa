import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { shownResult } from './shown-result.ts';
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
  ['bits of fillers', 'a\u3164\uffa0\u3164b', 'a⟦U+3164 U+FFA0 U+3164⟧b'],
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

test('a result of any kind is written out where its readers would not see it, within its cap, and it is said', () => {
  const shown = (text: string, structured?: JsonObject, maxBytes = 1_000) =>
    shownResult(
      { text, cut: ['before'], ...(structured === undefined ? {} : { structured }) },
      maxBytes,
    );
  for (const plain of ['{"a":"b"}', 'C:\\bin and \\u2028', 'größe 日本', '', '\ufeffid,name'])
    assert.deepEqual(shown(plain), { text: plain, cut: ['before'] });
  const rows = { rows: [{ a: 'x\u202ey', 'k\u001b': [1] }] };
  assert.deepEqual(shown(JSON.stringify(rows), rows), {
    text: '{"rows":[{"a":"x⟦U+202E⟧y","k⟦U+001B⟧":[1]}]}',
    structured: { rows: [{ a: 'x⟦U+202E⟧y', 'k⟦U+001B⟧': [1] }] },
    cut: ['before', '2 hidden characters are written out (⟦U+…⟧)'],
  });
  assert.equal(shown('["\\u202e"]').text, '["⟦U+202E⟧"]', 'a list, by its escapes');
  assert.equal(shown('\u001b[8mx').text, '⟦U+001B⟧[8mx', 'no JSON');
  const twice = `{"a":"${tagged('x')}","a":1}`;
  assert.match(shown(twice, { a: 1 }).text, /⟦U\+E0078⟧/, 'under a name that comes twice');
  const long = JSON.stringify({ a: tagged('xyz') });
  const cut = shown(long, { a: tagged('xyz') }, 20);
  assert.equal(cut.structured, undefined);
  assert.ok(Buffer.byteLength(cut.text) <= 20);
  assert.match(cut.cut.join(), /cut after 20 bytes/);
  const deep = `${'['.repeat(300)}"\u202e"${']'.repeat(300)}`;
  assert.match(shown(deep).text, /⟦U\+202E⟧/);
});
