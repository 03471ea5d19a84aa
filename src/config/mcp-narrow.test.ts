import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Tool } from '../domain/bundle.ts';
import type { JsonObject } from '../domain/json.ts';
import { narrowingIn } from '../tools/narrow/narrowing.ts';
import { defined, fileWith, type Offered, planned, refused } from './testing/server.ts';

const GRANTED = "grants:\n  - { agent: coder, tools: ['files_*'], rung: approve }";
const WRITE = defined('write', {
  outputSchema: { type: 'object' },
  inputSchema: {
    type: 'object',
    properties: {
      path: { type: 'string' },
      mode: { type: 'string', enum: ['append', 'replace'] },
      force: { type: 'boolean' },
      count: { type: 'integer' },
    },
    required: ['path', 'mode'],
  },
});
const OFFERED: Offered = { files: { tools: [WRITE, defined('read')] } };

describe('a tool of a server, narrowed', () => {
  test('is served under several names, each with its own arguments', async () => {
    const serve = `
      tools:
        write: { effect: destroy, hide: [force] }
        note:
          of: write
          effect: write
          description: Appends to a note
          fix: { mode: append }
          hide: [force, count]
          narrow: { path: { pattern: "notes/[a-z]+\\\\.md", maxLength: 60 } }
          project: [/ok]
          authority: [path]
        '*': read`;
    const { bundle, warnings } = await planned(fileWith(serve), OFFERED);
    assert.deepEqual(Object.keys(bundle.tools), ['files_note', 'files_read', 'files_write']);
    const note = bundle.tools.files_note as Tool;
    assert.deepEqual(
      [note.binding.name, note.effect, note.description, note.lineage?.authority],
      ['write', 'write', 'Appends to a note', [{ argument: 'path', kind: 'target' }]],
    );
    assert.deepEqual(note.inputSchema, {
      type: 'object',
      properties: {
        path: { type: 'string', pattern: '^(?:notes/[a-z]+\\.md)$', maxLength: 60 },
      },
      required: ['path'],
      additionalProperties: false,
    });
    assert.equal(note.listing, undefined, 'what is cut no longer fits what its server promises');
    assert.deepEqual(narrowingIn(note.binding)?.upstream.inputSchema, WRITE.inputSchema);
    assert.match(String(note.binding.definition), /^[0-9a-f]{64}$/);
    assert.equal(note.binding.definition, bundle.tools.files_write?.binding.definition);
    assert.equal(bundle.tools.files_read?.binding.narrow, undefined);
    assert.doesNotMatch(warnings.join('\n'), /offers more/);
  });

  test('`*` does not take what was made narrower', async () => {
    const serve = "{ tools: { note: { of: write, effect: write, hide: [force] }, '*': read } }";
    const { bundle } = await planned(fileWith(serve), OFFERED);
    assert.deepEqual(Object.keys(bundle.tools), ['files_note', 'files_read']);
  });

  const faults: [string, string, RegExp][] = [
    ['of nothing', '{ tools: { a: { of: wrote, effect: write } } }', /no tool `wrote`.*`write`/],
    ['under another’s name', '{ tools: { read: { of: write, effect: write } } }', /of its own/],
    ['of itself', '{ tools: { read: { of: read, effect: read } } }', /its own name at its server/],
    [
      'an argument that is not there',
      '{ tools: { write: { effect: write, hide: [x] } } }',
      /`x` is not in/,
    ],
    [
      'a value it does not take',
      '{ tools: { write: { effect: write, fix: { mode: erase } } } }',
      /does not fit/,
    ],
    [
      'twice',
      '{ tools: { write: { effect: write, hide: [mode], fix: { mode: append } } } }',
      /said twice/,
    ],
    [
      'no bounds',
      '{ tools: { write: { effect: write, narrow: { path: { optional: true } } } } }',
      /no bounds/,
    ],
    [
      'a bad pattern',
      '{ tools: { write: { effect: write, narrow: { path: { pattern: "(?=a)" } } } } }',
      /looks ahead/,
    ],
    ['a reserved name', '{ tools: { write: { effect: write, hide: [__proto__] } } }', /reserved/],
  ];
  for (const [name, serve, says] of faults)
    test(`is refused ${name}`, async () => {
      const { message, problems } = await refused(fileWith(serve), OFFERED).catch((error) => error);
      const words = [message, ...(problems ?? []).map((each: JsonObject) => each.help)].join(' ');
      assert.match(words, says);
    });
});

describe('what widens a narrowed tool', () => {
  const narrow = (how: string) =>
    fileWith(`{ tools: { write: { effect: write, ${how} } } }`, GRANTED);
  const FULL =
    'fix: { mode: append }, hide: [force], narrow: { path: { pattern: "a+" }, count: { maximum: 3, optional: true } }, project: [/ok], maxItems: 5, authority: [path]';
  const cases: [string, string, RegExp | null][] = [
    ['nothing', FULL, null],
    [
      'a removed fix',
      FULL.replace('fix: { mode: append }, ', ''),
      /may send `mode` of `files_write`, which was fixed/,
    ],
    [
      'another fix',
      FULL.replace('mode: append', 'mode: replace'),
      /fixed to "replace" instead of "append"/,
    ],
    ['a shown argument', FULL.replace('hide: [force], ', ''), /agents may send `force`/],
    [
      'no bounds',
      FULL.replace('path: { pattern: "a+" }, ', ''),
      /`path` of `files_write` has no bounds/,
    ],
    ['other bounds', FULL.replace('"a+"', '"b+"'), /wider bounds/],
    [
      'a larger number',
      FULL.replace('maximum: 3', 'maximum: 4'),
      /`count` of `files_write` has wider bounds/,
    ],
    ['a smaller number', FULL.replace('maximum: 3', 'maximum: 2'), null],
    ['an optional one', FULL.replace('"a+" }', '"a+", optional: true }'), /may be left out/],
    ['more of a result', FULL.replace('[/ok]', '[/ok, /all]'), /other parts of its results/],
    [
      'hidden characters',
      `${FULL}, keepHidden: true`,
      /hidden characters in results of `files_write`/,
    ],
    ['more elements', FULL.replace('maxItems: 5', 'maxItems: 6'), /6 elements of a list, 5 before/],
    [
      'less authority',
      FULL.replace('authority: [path]', 'authority: [count]'),
      /`path` of `files_write` needs no proof any more/,
    ],
    ['all of it', 'authority: [path]', /may send `mode`/],
    ['one more hidden', FULL.replace('hide: [force]', 'hide: [force], maxResultBytes: 10'), null],
  ];
  for (const [name, how, says] of cases)
    test(name, async () => {
      const { bundle } = await planned(narrow(FULL), OFFERED);
      const plan = await planned(narrow(how), OFFERED, bundle);
      const words = plan.changes.flatMap(({ widens }) => widens);
      if (says === null) assert.deepEqual(words, []);
      else
        assert.ok(
          words.some((each) => says.test(each)),
          words.join('\n'),
        );
    });
});
