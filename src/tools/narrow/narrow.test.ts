import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../domain/json.ts';
import { createInputCheck } from '../input.ts';
import { pinned } from '../pin.ts';
import { narrowedInput, wholeArguments } from './input.ts';
import { listedSchema } from './listed.ts';
import type { Narrowing } from './narrowing.ts';
import { narrowedDocument } from './result.ts';

const UPSTREAM: JsonObject = {
  type: 'object',
  properties: {
    repo: { type: 'string' },
    branch: { type: 'string', default: 'main' },
    title: { type: 'string', maxLength: 200 },
    count: { type: 'integer' },
    labels: { type: 'array', items: { $ref: '#/$defs/label' } },
    options: {
      type: 'object',
      properties: { force: { type: 'boolean' }, note: { type: 'string' } },
    },
    draft: { type: 'boolean' },
  },
  required: ['repo', 'title'],
  dependentRequired: { draft: ['repo'] },
  $defs: { label: { type: 'object', properties: { name: { type: 'string' }, colour: {} } } },
};

const narrowing = (over: Partial<Narrowing>): Narrowing => ({
  upstream: { description: 'd', inputSchema: UPSTREAM },
  fix: {},
  hide: [],
  narrow: {},
  key: null,
  project: null,
  maxItems: null,
  ...over,
});

function tool(over: Partial<Narrowing>) {
  const made = narrowing(over);
  return pinned({
    name: 'up_open',
    description: '',
    connection: 'up',
    inputSchema: listedSchema(made),
    effect: 'write',
    reversibility: 'none',
    idempotent: false,
    recoveryPath: false,
    cap: {} as never,
    maxResultBytes: 1,
    timeoutMs: 1,
    binding: { mcp: 'tools/call', name: 'open', narrow: made as unknown as JsonObject },
    derivation: [],
  });
}

const check = createInputCheck();

describe('what agents are shown', () => {
  test('what was taken is gone, what was bounded says so, and everything is closed', () => {
    const listed = listedSchema(
      narrowing({
        fix: { repo: 'acme/site', '/options/force': false },
        hide: ['draft', '/labels/*/colour'],
        narrow: {
          branch: { enum: ['dev', 'test'] },
          title: { pattern: '[a-z ]+', maxLength: 300 },
        },
        key: 'count',
      }),
    );
    assert.deepEqual(listed, {
      type: 'object',
      properties: {
        branch: { type: 'string', enum: ['dev', 'test'] },
        title: { type: 'string', maxLength: 200, pattern: '^(?:[a-z ]+)$' },
        labels: {
          type: 'array',
          items: {
            type: 'object',
            properties: { name: { type: 'string' } },
            additionalProperties: false,
          },
        },
        options: {
          type: 'object',
          properties: { note: { type: 'string' } },
          additionalProperties: false,
        },
      },
      required: ['title', 'branch'],
      $defs: UPSTREAM.$defs,
      additionalProperties: false,
    });
  });

  const unfit: [string, Partial<Narrowing>, RegExp][] = [
    ['a name that is not there', { hide: ['brunch'] }, /`brunch` is not in its input schema/],
    ['a place in something that is no object', { hide: ['/title/x'] }, /`title` is string/],
    ['a value of another type', { fix: { repo: 7 } }, /what is fixed does not fit: `repo`/],
    ['bounds of another type', { narrow: { count: { pattern: 'x' } } }, /`count`: its bounds are/],
    ['twice', { fix: { repo: 'a' }, hide: ['repo'] }, /`repo` is said twice/],
    ['twice in two spellings', { fix: { '/options/note': 'a' }, hide: ['options'] }, /taken from/],
    ['a pattern that explodes', { narrow: { title: { pattern: '(a)\\1' } } }, /refers back/],
  ];
  for (const [name, over, says] of unfit)
    test(`does not hold ${name}`, () => {
      assert.throws(() => listedSchema(narrowing(over)), says);
    });

  test('a second name for the same argument has to be spoken of', () => {
    const inputSchema = { type: 'object', properties: { dryRun: {}, dry_run: {}, DRYRUN: {} } };
    const over = { upstream: { description: '', inputSchema } };
    assert.throws(() => listedSchema(narrowing({ ...over, fix: { dryRun: true } })), /twin/);
    const fix = { dryRun: true, dry_run: true };
    assert.throws(() => listedSchema(narrowing({ ...over, fix })), /twin, `DRYRUN`/);
    listedSchema(narrowing({ ...over, fix, hide: ['DRYRUN'] }));
  });
});

describe('what agents may send', () => {
  const made = tool({
    fix: { repo: 'acme/site', '/options/force': false },
    hide: ['draft', '/labels/*/colour'],
    narrow: {
      branch: { enum: ['dev'] },
      title: { pattern: '[a-z ]+' },
      count: { maximum: 3, optional: true },
    },
  });
  const good: JsonObject = { branch: 'dev', title: 'a b' };

  test('is whole with what was fixed, and no spelling gets around it', () => {
    assert.deepEqual(check(made, good), []);
    assert.deepEqual(wholeArguments(made, good), {
      ...good,
      repo: 'acme/site',
      options: { force: false },
    });
    const around: Json[] = [
      { ...good, repo: 'acme/other' },
      { ...good, Repo: 'acme/other' },
      { ...good, options: { force: true } },
      { ...good, options: { Force: true } },
      { ...good, options: [] },
      { ...good, options: null },
      { ...good, options: 'force' },
      { ...good, '/options/force': true },
      { ...good, 'options.force': true },
      { ...good, draft: true },
      { ...good, branch: 'main' },
      { ...good, branch: ['dev'] },
      { ...good, branch: 'dev\n' },
      { title: 'a' },
      { ...good, title: 'a\nB' },
      { ...good, title: 7 },
      { ...good, count: 4 },
      { ...good, count: '1' },
      { ...good, labels: [{ name: 'x' }, { colour: 'red' }] },
      { ...good, labels: { 0: { colour: 'red' } } },
      JSON.parse('{"branch":"dev","title":"a","__proto__":{"repo":"x"}}') as Json,
      JSON.parse('{"branch":"dev","title":"a","options":{"__proto__":{"force":true}}}') as Json,
      JSON.parse('{"branch":"dev","title":"a","constructor":{"repo":"x"}}') as Json,
    ];
    for (const input of around)
      assert.notDeepEqual(check(made, input as JsonObject), [], JSON.stringify(input));
  });

  test('nothing that it is told speaks of what was taken', () => {
    const told = [
      { ...good, options: { note: 3 } },
      { title: 'x' },
      { ...good, title: '' },
    ].flatMap((input) => check(made, input));
    assert.ok(told.length > 2);
    for (const words of told) assert.doesNotMatch(words, /repo|force|draft|colour|acme/);
  });

  test('a fault of the whole is told without what was fixed', () => {
    const inputSchema: JsonObject = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      allOf: [{ properties: { b: { const: 'yes' } } }],
    };
    const upstream = { description: '', inputSchema };
    const fixed = tool({ upstream, fix: { b: 'no' } });
    assert.deepEqual(check(tool({ upstream, fix: { b: 'yes' } }), { a: 'one' }), []);
    assert.deepEqual(check(fixed, { a: 'one' }), [
      'the arguments do not fit what this tool takes together',
    ]);
  });

  test('the key is ours', () => {
    const keyed = tool({ key: 'branch' });
    assert.notDeepEqual(check(keyed, { repo: 'r', title: 't', branch: 'mine' }), []);
    assert.deepEqual(narrowedInput(keyed)?.sent({ repo: 'r', title: 't' }, 'k1'), {
      repo: 'r',
      title: 't',
      branch: 'k1',
    });
  });

  test('a narrowing that no plan would have made lets nothing through', () => {
    const { digest: _, ...rest } = tool({});
    const broken = pinned({ ...rest, binding: { ...rest.binding, narrow: { fix: { a: 1 } } } });
    assert.notDeepEqual(check(broken, {}), []);
  });
});

test('a document keeps the parts that are named, and lists their length', () => {
  const document = { rows: [{ id: 1, ssn: 'x' }, { id: 2, ssn: 'y' }, { id: 3 }], next: 'z' };
  const parts = { project: ['/rows/*/id'], maxItems: 2 };
  assert.deepEqual(narrowedDocument(document, parts), {
    document: { rows: [{ id: 1 }, { id: 2 }] },
    cut: ['1 elements beyond 2 of a list were left out'],
  });
  assert.deepEqual(narrowedDocument(document, { project: ['/none'], maxItems: null }), {
    document: {},
    cut: [],
  });
});
