import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOfWire, wantLines, wireLines } from './wire-words.ts';

const wireOf = (result: object): string => JSON.stringify(result).slice(1, -1);

test('text is told as text, everything else by kind and size', () => {
  const wire = wireOf({
    content: [
      { type: 'text', text: 'two\nlines' },
      { type: 'image', data: Buffer.alloc(300).toString('base64'), mimeType: 'image/png' },
      { type: 'resource_link', uri: 'file:///a', name: 'a' },
      { type: 'resource', resource: { uri: 'file:///b', text: 'inside' } },
    ],
    structuredContent: { n: 1 },
    isError: false,
  });
  assert.deepEqual(wireLines(wire), [
    'text, 9 bytes: "two\\nlines"',
    'image, image/png, 300 bytes',
    'resource_link, file:///a, 53 bytes',
    'embedded resource, file:///b, 6 bytes: "inside"',
    'structuredContent, 7 bytes: "{\\"n\\":1}"',
  ]);
});

test('resources read, prompts and errors', () => {
  assert.deepEqual(wireLines(wireOf({ contents: [{ uri: 'x:y', blob: 'AAAA' }] })), [
    'resource, x:y, 3 bytes',
  ]);
  const messages = [{ role: 'user', content: { type: 'text', text: 'hi' } }];
  assert.deepEqual(wireLines(wireOf({ messages })), ['text, role user, 2 bytes: "hi"']);
  assert.match(wireLines(wireOf({ content: [], isError: true })).join(), /^error/);
});

test('what is long is shown by its beginning, with its size', () => {
  const [line = ''] = wireLines(wireOf({ content: [{ type: 'text', text: 'x'.repeat(5_000) }] }));
  assert.ok(line.startsWith('text, 5000 bytes: "xxx') && line.length < 500);
});

test('nothing that a server sends makes it throw', () => {
  for (const wire of [
    '',
    '"content":[null,1,"x",[]]',
    '"content":{"a":1}',
    '"a":',
    '"messages":[{}]',
  ])
    assert.ok(Array.isArray(partsOfWire(wire)), wire);
});

test('questions of a target are told by key, kind and words', () => {
  const questions = { q: { method: 'elicitation/create', params: { message: 'Sure?' } }, r: 1 };
  assert.deepEqual(wantLines(questions), ['q (elicitation/create): "Sure?"', 'r (unknown)']);
});
