import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tool } from '../domain/bundle.ts';
import type { JsonObject } from '../domain/json.ts';
import { capFor } from './caps.ts';
import { createInputCheck } from './input.ts';
import { pinned, toolDigest } from './pin.ts';
import { closed, schemaProblems } from './schema.ts';

function toolWith(inputSchema: JsonObject, name = 'tool'): Tool {
  return pinned({
    name,
    description: 'fixture',
    connection: 'somewhere',
    inputSchema,
    effect: 'read',
    reversibility: 'none',
    idempotent: true,
    recoveryPath: false,
    cap: capFor('read', 'none', {}),
    maxResultBytes: 1024,
    timeoutMs: 1000,
    binding: {},
    derivation: [],
  });
}

const object = (
  properties: JsonObject,
  required: string[] = Object.keys(properties),
): JsonObject => ({
  type: 'object',
  properties,
  required,
});

const customer = toolWith(
  object(
    {
      id: { type: 'integer', minimum: 1 },
      plan: { enum: ['free', 'pro'] },
      note: { type: 'string', maxLength: 10 },
      slug: { type: 'string', pattern: '^[a-z]+$' },
      code: { type: 'string', pattern: '^[0-9]+$' },
      day: { type: 'string', format: 'date' },
      tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
      at: object({ city: { type: 'string' } }),
    },
    ['id'],
  ),
);

const FITTING: JsonObject[] = [
  { id: 1 },
  { id: 1.0, plan: 'pro', note: 'short', slug: 'abc', code: '42', day: '2024-02-29' },
  { id: 7, tags: ['a'], at: { city: 'Ulm' } },
];

test('arguments that fit say nothing', () => {
  const check = createInputCheck();
  for (const input of FITTING) assert.deepEqual(check(customer, input), [], JSON.stringify(input));
});

const MISFITS: [string, string, RegExp][] = [
  ['missing', '{}', /^`id` is missing$/],
  ['unknown', '{"id":1,"role":"admin"}', /^`role` is not an argument of this tool$/],
  ['a number as text', '{"id":"1"}', /^`id`: expected integer, got `1`$/],
  ['a fraction', '{"id":1.5}', /^`id`: expected integer, got `1.5`$/],
  ['null', '{"id":null}', /^`id`: expected integer, got `null`$/],
  ['a list', '{"id":[1]}', /^`id`: expected integer, got a list of 1$/],
  ['an object', '{"id":{"$gt":0}}', /^`id`: expected integer, got an object$/],
  ['too small', '{"id":0}', /^`id`: expected >= 1, got `0`$/],
  [
    'not in the list',
    '{"id":1,"plan":"gold"}',
    /^`plan`: expected one of `free`, `pro`, got `gold`$/,
  ],
  [
    'too long',
    '{"id":1,"note":"12345678901"}',
    /^`note`: expected not .*10 characters, got `12345678901`$/,
  ],
  [
    'not the pattern',
    '{"id":1,"slug":"A b"}',
    /^`slug`: expected text that fits `\^\[a-z\]\+\$`, got `A b`$/,
  ],
  ['another pattern', '{"id":1,"code":"abc"}', /^`code`: expected text that fits/],
  ['no day', '{"id":1,"day":"2023-02-29"}', /^`day`: expected a text of format `date`/],
  [
    'too many',
    '{"id":1,"tags":["a","b","c"]}',
    /^`tags`: expected not .*2 items, got a list of 3$/,
  ],
  ['unknown inside', '{"id":1,"at":{"city":"Ulm","x":1}}', /^`at.x` is not an argument/],
  ['own __proto__', '{"id":1,"__proto__":{"admin":true}}', /^`__proto__` is not an argument/],
  ['own constructor', '{"id":1,"constructor":1}', /^`constructor` is not an argument/],
];

for (const [what, input, words] of MISFITS)
  test(`refused in words: ${what}`, () => {
    const [first = ''] = createInputCheck()(customer, JSON.parse(input));
    assert.match(first, words);
  });

test('a required name is not found on the prototype', () => {
  const tool = toolWith(object({ toString: { type: 'string' }, constructor: {} }));
  assert.equal(createInputCheck()(tool, {}).length, 2);
});

test('a long value is described, never quoted', () => {
  const secretish = 'x'.repeat(41);
  const problems = createInputCheck()(customer, { id: secretish, [secretish]: 1 });
  assert.ok(problems.length >= 2);
  for (const problem of problems) assert.ok(!problem.includes(secretish), problem);
  assert.ok(problems.includes('`id`: expected integer, got a text of 41'));
});

test('hidden characters and backticks of a value are not repeated', () => {
  const [problem = ''] = createInputCheck()(customer, { id: 'a`\u202eb\n' });
  assert.equal(problem, '`id`: expected integer, got `a??b?`');
});

test('a flood of faults is answered with a few', () => {
  const tool = toolWith(object({ all: { type: 'array', items: { type: 'integer' } } }));
  const problems = createInputCheck()(tool, { all: Array.from({ length: 5_000 }, () => 'x') });
  assert.ok(problems.length <= 9);
  assert.equal(problems.at(-1), 'and more of the kind');
});

test('the root is closed whatever the schema says', () => {
  const open = toolWith({ ...object({ id: { type: 'integer' } }), additionalProperties: true });
  assert.equal(createInputCheck()(open, { id: 1, more: 1 }).length, 1);
  const silent = toolWith({ type: 'object' });
  assert.equal(createInputCheck()(silent, { any: 1 }).length, 1);
});

test('a pattern that backtracks is matched at once, and a very long text does not match', () => {
  const check = createInputCheck();
  const tool = toolWith(object({ a: { type: 'string', pattern: '^(a+)+$' } }));
  const started = performance.now();
  assert.equal(check(tool, { a: `${'a'.repeat(5_000)}!` }).length, 1);
  assert.ok(performance.now() - started < 1_000);
  assert.deepEqual(check(tool, { a: 'aaa' }), []);
  assert.equal(check(tool, { a: 'a'.repeat(10_000) }).length, 1);
});

test('a schema that cannot be used lets nothing through', () => {
  const check = createInputCheck();
  const nested = (depth: number): JsonObject =>
    depth === 0 ? { type: 'string' } : { type: 'object', properties: { a: nested(depth - 1) } };
  const hostile: [JsonObject, RegExp][] = [
    [{ type: 'array' }, /`type: object`/],
    [{ type: 'object', $ref: 'https://example.com/schema.json' }, /leaves the schema/],
    [object({ a: { $ref: 'file:///etc/passwd' } }), /leaves the schema/],
    [object({ a: { $ref: '#/properties/b' } }), /leaves the schema/],
    [object({ a: { $dynamicRef: '#x' } }), /is not used here/],
    [{ ...object({}), $id: 'https://example.com/x' }, /is not used here/],
    [object({ a: { pattern: '(?=a)' } }), /looks ahead/],
    [object({ a: { type: 'array', uniqueItems: true } }), /needs `maxItems`/],
    [nested(30), /nested deeper/],
    [object({ a: { description: 'x'.repeat(70_000) } }), /bytes/],
    [object({ a: { type: 'nonsense' } }), /no JSON Schema/],
    [object({ a: { $ref: '#/$defs/missing' } }), /cannot be compiled/],
  ];
  hostile.forEach(([schema, words], i) => {
    const problems = check(toolWith(schema, `hostile-${i}`), { a: 'x' });
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', words);
  });
});

test('input that is nested beyond the stack is refused, not thrown', () => {
  const tool = toolWith({
    ...object({ tree: { $ref: '#/$defs/node' } }),
    $defs: { node: { type: 'object', properties: { in: { $ref: '#/$defs/node' } } } },
  });
  let tree: JsonObject = {};
  for (let depth = 0; depth < 200_000; depth++) tree = { in: tree };
  assert.deepEqual(createInputCheck()(tool, { tree }), [
    'the arguments are nested too deeply to be checked',
  ]);
});

test('the newest 512 schemas are kept', () => {
  const check = createInputCheck();
  for (let i = 0; i < 520; i++)
    assert.deepEqual(check(toolWith(object({ a: { const: i } }), `t${i}`), { a: i }), []);
  assert.deepEqual(check(toolWith(object({ a: { const: 0 } }), 't0'), { a: 0 }), []);
});

test('a digest changes with everything that a tool is', () => {
  const { digest, ...tool } = customer;
  assert.equal(toolDigest(tool), digest);
  const changes: Partial<Tool>[] = [
    { description: 'other' },
    { effect: 'write' },
    { reversibility: 'declared' },
    { idempotent: false },
    { recoveryPath: true },
    { maxResultBytes: 1 },
    { timeoutMs: 1 },
    { binding: { sql: 'select 1' } },
    { derivation: ['because'] },
    { connection: 'elsewhere' },
    { cap: capFor('read', 'none', { rowsRead: 5 }) },
    { inputSchema: { type: 'object' } },
    { name: 'other' },
  ];
  const digests = new Set(changes.map((change) => toolDigest({ ...tool, ...change })));
  assert.equal(digests.size, changes.length);
  assert.ok(!digests.has(digest));
});

test('a cap counts one call, and a final destruction as irreversible', () => {
  assert.equal(capFor('read', 'none', { calls: 5 }).calls, 1);
  assert.equal(capFor('destroy', 'none', {}).irreversible, 1);
  assert.equal(capFor('destroy', 'declared', {}).irreversible, 0);
  assert.equal(capFor('write', 'none', { rowsWritten: 7 }).rowsWritten, 7);
  assert.equal(capFor('write', 'none', {}).rowsDeleted, 0);
});

test('closing leaves `not`, `if` and joined parts as open as they were', () => {
  const inner = object({ a: {} });
  const shape = closed({ type: 'object', properties: { x: inner }, not: inner, allOf: [inner] });
  assert.deepEqual(shape.not, inner);
  assert.deepEqual(shape.allOf, [inner]);
  assert.deepEqual(shape.properties, { x: { ...inner, additionalProperties: false } });
  assert.deepEqual(schemaProblems(shape), []);
});
