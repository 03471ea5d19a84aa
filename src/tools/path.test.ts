import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillPath, parsePath } from './path.ts';
import { fillJson, fillText, parseJsonTemplate, parseTemplate } from './template.ts';

test('a template is read once, and braces can be written', () => {
  assert.deepEqual(parseTemplate('a{b}c{d}'), ['a', { name: 'b' }, 'c', { name: 'd' }]);
  assert.deepEqual(parseTemplate('{{x}}'), ['{x}']);
  assert.deepEqual(parseTemplate(''), []);
  for (const bad of ['{', '}', '{}', '{1a}', '{a b}', '{a', '{a{b}}', `{${'a'.repeat(64)}}`])
    assert.throws(() => parseTemplate(bad), SyntaxError, bad);
});

test('a path is refused when it could be read in two ways', () => {
  for (const bad of [
    'a',
    '',
    '//a',
    '/a//b',
    '/a/../b',
    '/./a',
    '/a/%2e%2E/b',
    '/a?b',
    '/a#b',
    '/a b',
    '/a\\b',
    '/ä',
    '/%zz',
    '/a\n',
  ])
    assert.throws(() => parsePath(bad), SyntaxError, JSON.stringify(bad));
  for (const good of ['/', '/a/', '/a/{b}', '/{a}-{b}.json', '/v1/x:batch', '/%20'])
    assert.doesNotThrow(() => parsePath(good), good);
});

const HOSTILE = [
  '',
  '.',
  '..',
  '../../admin',
  'a/b',
  'a/../b',
  '/',
  '//evil.example',
  '\\\\evil.example\\share',
  'a\\..\\b',
  '%2e%2e',
  '%2E%2e%2Fadmin',
  '%252e%252e%252fadmin',
  '..%2fadmin',
  'a%00b',
  'a\u0000b',
  'a\r\nhost: evil.example',
  'a\nb',
  '\ud800',
  'x'.repeat(1_025),
];

test('no argument adds a segment, climbs or hides one', () => {
  const path = parsePath('/volumes/{volume}/backups');
  for (const volume of HOSTILE)
    assert.throws(() => fillPath(path, { volume }, false), TypeError, JSON.stringify(volume));
});

test('no argument opens a query, a fragment, user info or a path parameter', () => {
  const path = parsePath('/volumes/{volume}/backups');
  for (const [volume, filled] of [
    ['a?force=true', 'a%3Fforce%3Dtrue'],
    ['a#b', 'a%23b'],
    ['a&b=c', 'a%26b%3Dc'],
    ['user@evil.example:80', 'user%40evil.example%3A80'],
    ['a;role=admin', 'a%3Brole%3Dadmin'],
    ['a b+c', 'a%20b%2Bc'],
    ['100%', '100%25'],
    ["it's(*)!", 'it%27s%28%2A%29%21'],
    ['…', '%E2%80%A6'],
    ['...', '...'],
    ['{other}', '%7Bother%7D'],
  ] as const)
    assert.equal(fillPath(path, { volume }, false), `/volumes/${filled}/backups`);
});

test('arguments together make no dot segment either', () => {
  const path = parsePath('/a/{x}{y}/b');
  assert.throws(() => fillPath(path, { x: '.', y: '.' }, false), /`\.`/);
  assert.throws(() => fillPath(parsePath('/a/.{x}'), { x: '.' }, false), /`\.`/);
});

test('slashes are encoded where the tool allows them, and dots between them still refused', () => {
  const path = parsePath('/projects/{id}');
  assert.equal(fillPath(path, { id: 'group/project' }, true), '/projects/group%2Fproject');
  for (const id of ['../x', 'a//b', 'a/..', '/a', 'a/.', 'a\\..\\b', 'a%2fb'])
    assert.throws(() => fillPath(path, { id }, true), TypeError, id);
});

test('whatever the argument: as many segments as the template, and the server reads the same path', () => {
  const path = parsePath('/v1/{a}/items/{b}.json');
  const value = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE));
  fc.assert(
    fc.property(value, value, fc.boolean(), (a, b, slashes) => {
      let filled: string;
      try {
        filled = fillPath(path, { a, b }, slashes);
      } catch (error) {
        assert.ok(error instanceof TypeError);
        return;
      }
      const url = new URL(filled, 'http://origin.example');
      assert.equal(url.origin, 'http://origin.example');
      assert.equal(url.pathname, filled);
      assert.equal(url.search + url.hash + url.username, '');
      assert.equal(filled.split('/').length, 5);
      assert.equal(decodeURIComponent(filled.split('/')[2] ?? ''), a);
    }),
    { numRuns: 2_000 },
  );
});

test('a JSON template takes values by value and never as structure', () => {
  const body = parseJsonTemplate({
    name: '{name}',
    label: 'for {name}!',
    count: '{count}',
    tags: ['fixed', '{tag}', '{missing}'],
    nested: { deep: '{missing}', braces: '{{x}}', fixed: 1 },
  });
  const name = '","admin":true,"x":"';
  assert.deepEqual(fillJson(body, { name, count: 2, tag: { a: 1 } }), {
    name,
    label: `for ${name}!`,
    count: 2,
    tags: ['fixed', { a: 1 }],
    nested: { braces: '{x}', fixed: 1 },
  });
  assert.throws(() => fillText(parseTemplate('a{x}'), { x: [1] }), TypeError);
  assert.equal(fillText(parseTemplate('a{constructor}'), {}), undefined);
});
