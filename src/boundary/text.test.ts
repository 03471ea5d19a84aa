import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hiddenCharacters, withHiddenShown } from './text.ts';

test('ordinary texts of many scripts hold nothing hidden', () => {
  for (const text of [
    'plain ASCII, with\ttabs\nand lines\r\n',
    'Größe, façade, año, Привет, 価格, 가격, ราคา, مرحبا, हिन्दी',
    '“quotes” — dashes … and € signs',
    'emoji \u{1f600}, a heart \u2764\ufe0f and a family \u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  ])
    assert.deepEqual(hiddenCharacters(text), [], text);
});

test('hidden characters are found with their place and kind', () => {
  const cases: [string, number, string][] = [
    ['a\u202eb', 1, 'direction'],
    ['\u2066x\u2069', 0, 'direction'],
    ['pay\u200bment', 3, 'invisible'],
    ['pay\u200dment', 3, 'invisible'],
    ['x\u0007', 1, 'control'],
    ['x\u009b1m', 1, 'control'],
    ['x\u001b[31m', 1, 'control'],
    ['x\u{e0041}', 1, 'tag'],
    ['x\u{e0100}', 1, 'selector'],
    ['x\ufe0f', 1, 'selector'],
    ['\u00ad', 0, 'invisible'],
    ['\u3164', 0, 'invisible'],
    ['\ufeffx', 0, 'invisible'],
    ['\ud800x', 0, 'broken'],
    ['x\u2028y', 1, 'control'],
    ['x\u0000', 1, 'control'],
  ];
  for (const [text, index, name] of cases) {
    const [first] = hiddenCharacters(text);
    assert.equal(first?.index, index, JSON.stringify(text));
    assert.equal(first?.name, name, JSON.stringify(text));
  }
});

test('data hidden behind an emoji is found', () => {
  assert.equal(hiddenCharacters('\u2764\ufe0f\ufe0f\ufe01').length, 2);
});

test('hidden characters are written out, the rest stays as it is', () => {
  assert.equal(withHiddenShown('a\u202eb\u{e0041}c'), 'a⟦U+202E⟧b⟦U+E0041⟧c');
  assert.equal(withHiddenShown('nothing here'), 'nothing here');
});
