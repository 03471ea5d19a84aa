import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from './pattern.ts';

const PATTERNS = [
  '^[a-z0-9-]+$',
  '^[^@\\s]+@[a-z0-9.-]+\\.[a-z]{2,}$',
  'a|b|cd',
  '^(?:ab|a)(c|bcd)(d*)$',
  '^(a+)+$',
  '^(a|aa)*b?$',
  '(?:^x|y$)',
  '^$',
  '',
  '^.{2,4}$',
  '^a{3}$',
  '^(?:a{0,2}b){2}$',
  '\\d+-\\w*',
  '^\\u{1f600}|\\p{Lu}b$',
  '^(?<name>[ab])\\x2d\\u0061$',
  '[\\]ab]c',
  '^a*?b+?$',
  '(?:)*a',
  '^(?:a?){3}b$',
  'a$|^b',
];

for (const source of PATTERNS)
  test(`says what RegExp says: ${JSON.stringify(source)}`, () => {
    const ours = compilePattern(source);
    const theirs = new RegExp(source, 'u');
    const text = fc.string({
      unit: fc.constantFrom(
        'a',
        'b',
        'c',
        'd',
        'x',
        'y',
        '@',
        '.',
        '-',
        '1',
        ']',
        '\n',
        'B',
        '\u{1f600}',
      ),
      maxLength: 9,
    });
    fc.assert(
      fc.property(text, (sample) => ours.test(sample) === theirs.test(sample)),
      { numRuns: 400 },
    );
  });

test('built at random, says what RegExp says', () => {
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom('a', 'b', '[ab]', '.', '^', '$', ''),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}'))
        .map(([a, times]) => `(?:${a})${times}`),
    ),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (source, sample) => {
      assert.equal(compilePattern(source).test(sample), new RegExp(source, 'u').test(sample));
    }),
    { numRuns: 2_000 },
  );
});

test('texts that make a backtracking matcher explode are answered at once', () => {
  const attack = `${'a'.repeat(8_000)}!`;
  for (const source of ['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', 'a*a*a*a*a*b', '(.*.*.*)*x$']) {
    const started = performance.now();
    assert.equal(compilePattern(source).test(attack), false);
    assert.ok(performance.now() - started < 2_000, source);
  }
});

test('longer texts than any pattern is for do not match', () => {
  assert.equal(compilePattern('a').test('a'.repeat(8_193)), false);
});

test('what cannot be matched in linear time, or is too large, is refused in words', () => {
  for (const source of [
    '(?=a)b',
    '(?!a)b',
    '(?<=a)b',
    '(a)\\1',
    '\\bword',
    '(?i:a)',
    '[',
    'a{2,1}',
  ])
    assert.throws(() => compilePattern(source), SyntaxError, source);
  assert.throws(() => compilePattern('(?:a{100}){100}'), /repeats too much/);
  assert.throws(() => compilePattern('(?:){999999999}'), /repeats too much/);
  assert.throws(() => compilePattern('a'.repeat(501)), /at most 500/);
});
