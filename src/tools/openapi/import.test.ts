import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Json, JsonObject } from '../../domain/json.ts';
import { importOpenapi, operationsOf } from './import.ts';
import { BILLING_31, INVENTORY_30, PLATFORM_30 } from './testing/documents.ts';

const imported = (document: Json, chosen: string[] | null = null, base: string | null = null) =>
  importOpenapi(document, { connection: 'api', base, chosen });

function tool(document: Json, id: string): JsonObject {
  const { tools, skipped } = imported(document, [id]);
  assert.deepEqual(skipped, []);
  return tools[0]?.definition ?? {};
}

describe('a document of 3.0 with components', () => {
  test('becomes tools with typed, closed arguments', () => {
    const found = tool(INVENTORY_30, 'listItems');
    assert.equal(found.effect, 'read');
    assert.deepEqual(found.input, {
      state: { type: 'string', enum: ['open', 'shut'], optional: true },
      limit: { type: 'integer', minimum: 1, maximum: 100, optional: true },
      tags: {
        type: 'array',
        items: { type: 'string', maxLength: 40 },
        maxItems: 5,
        optional: true,
      },
    });
    assert.deepEqual(found.http, {
      method: 'GET',
      path: '/items',
      query: { state: '{state}', limit: '{limit}', tags: '{tags}' },
      project: ['/total', '/items/*/id', '/items/*/name', '/items/*/owner/email'],
    });
  });

  test('bodies become one argument for each member, nested ones whole', () => {
    const found = tool(INVENTORY_30, 'createItem');
    assert.equal(found.effect, 'write');
    assert.deepEqual((found.http as JsonObject).body, {
      name: '{name}',
      count: '{count}',
      'ship-to': '{ship_to}',
    });
    const input = found.input as { [name: string]: JsonObject };
    assert.deepEqual(input.count, { type: 'integer', minimum: 1 });
    assert.deepEqual(input.name, { type: 'string', maxLength: 80 });
    assert.deepEqual(input.ship_to, {
      type: 'object',
      properties: {
        city: { type: 'string', maxLength: 1_000 },
        zip: { type: 'string', pattern: '^[0-9]{4}$', maxLength: 1_000, optional: true },
      },
      optional: true,
    });
  });

  test('a key in a header becomes the secret of the connection', () => {
    assert.deepEqual(imported(INVENTORY_30, ['listItems']).connection, {
      kind: 'http',
      url: 'https://eu.inventory.example/v2',
      secret: 'api-token',
      header: 'X-Api-Key',
    });
  });
});

describe('a document of 3.1', () => {
  test('type lists, const, bounds and null are understood', () => {
    const { input } = tool(BILLING_31, 'updateInvoice') as {
      input: { [name: string]: JsonObject };
    };
    assert.deepEqual(input.id, { type: 'string', format: 'uuid' });
    assert.deepEqual(input.memo, { type: 'string', maxLength: 200, optional: true });
    assert.deepEqual(input.amount, { type: 'integer', minimum: 1, maximum: 99_999 });
    assert.deepEqual(input.kind, { type: 'string', enum: ['invoice'] });
    assert.deepEqual(input.status, { type: 'string', enum: ['draft', 'sent'], optional: true });
  });
  test('tokens in a header', () =>
    assert.equal(imported(BILLING_31, ['updateInvoice']).connection.secret, 'api-token'));
});

describe('a document of a platform', () => {
  const effects = Object.fromEntries(
    operationsOf(PLATFORM_30).map(({ id, effect, recovery }) => [id, [effect, recovery !== null]]),
  );
  const EXPECTED: [string, string, boolean][] = [
    ['volumes.list', 'read', false],
    ['volumes.delete', 'destroy', true],
    ['backups.purge', 'destroy', true],
    ['POST /volumes/{id}/restore', 'write', false],
    ['projects.archive', 'write', false],
    ['labels.remove', 'destroy', false],
    ['buckets.configure', 'destroy', true],
  ];
  for (const [id, effect, recovery] of EXPECTED)
    test(`${id} is \`${effect}\``, () => assert.deepEqual(effects[id], [effect, recovery]));

  test('what cannot be made narrow is left out, and said', () => {
    const { tools, skipped } = imported(PLATFORM_30, null, 'https://api.platform.example/');
    const why = Object.fromEntries(skipped.map(({ operation, why: words }) => [operation, words]));
    assert.match(why['files.upload'] ?? '', /body is no JSON/);
    assert.match(why['query.run'] ?? '', /several shapes/);
    assert.match(why['raw.set'] ?? '', /names no members/);
    assert.match(why.climb ?? '', /path cannot be used/);
    assert.match(why.elsewhere ?? '', /server of its own/);
    assert.match(why.headed ?? '', /`X-Tenant`: it goes into the header/);
    assert.match(why.unnamed ?? '', /which is no parameter/);
    const removing = tools.find(({ name }) => name === 'volumes_delete');
    assert.deepEqual(
      [removing?.definition.effect, removing?.definition.recoveryPath],
      ['destroy', true],
    );
    const login = tools.find(({ name }) => name === 'tokens_create')?.definition.http as JsonObject;
    assert.deepEqual(login.project, ['/id', '/expires'], 'secrets are not proposed');
  });
});

describe('hostile documents', () => {
  const base = { openapi: '3.0.3', info: { title: 't' }, servers: [{ url: 'https://a.example' }] };
  const get = (schema: Json): Json => ({
    ...base,
    paths: {
      '/x': {
        get: { operationId: 'x', parameters: [{ name: 'q', in: 'query', required: true, schema }] },
      },
    },
    components: {
      schemas: {
        Loop: { $ref: '#/components/schemas/Loop' },
        Ping: { $ref: '#/components/schemas/Pong' },
        Pong: { $ref: '#/components/schemas/Ping' },
        Tree: {
          type: 'object',
          required: ['next'],
          properties: { next: { $ref: '#/components/schemas/Tree' } },
        },
        Own: { allOf: [{ $ref: '#/components/schemas/Own' }] },
      },
    },
  });
  const CASES: [string, Json, RegExp][] = [
    ['a reference to a URL', { $ref: 'https://evil.example/x.json' }, /leads out of the document/],
    ['a reference to a file', { $ref: '../../etc/passwd' }, /leads out of the document/],
    ['a reference to a file scheme', { $ref: 'file:///etc/passwd' }, /leads out/],
    ['a reference to nothing', { $ref: '#/components/schemas/None' }, /leads nowhere/],
    ['a reference to a prototype', { $ref: '#/constructor' }, /leads nowhere/],
    ['a reference to itself', { $ref: '#/components/schemas/Loop' }, /circle/],
    ['two that refer to each other', { $ref: '#/components/schemas/Ping' }, /circle/],
    ['a schema that holds itself', { $ref: '#/components/schemas/Tree' }, /nested deeper|circle/],
    ['a schema made of itself', { $ref: '#/components/schemas/Own' }, /circle/],
    ['no type', {}, /no type/],
    ['an open object', { type: 'object', additionalProperties: true }, /way of its own/],
  ];
  for (const [what, schema, why] of CASES)
    test(what, () => {
      const { tools, skipped } = imported(get(schema));
      assert.deepEqual(tools, []);
      assert.match(skipped[0]?.why ?? '', why);
    });

  test('a parameter that cannot be written as it says', () => {
    const why = (path: string, parameter: JsonObject) => {
      const given = { required: true, schema: { type: 'string' }, ...parameter };
      const item = { get: { operationId: 'x', parameters: [given] } };
      return imported({ ...base, paths: { [path]: item } }).skipped[0]?.why ?? '';
    };
    for (const style of ['label', 'matrix'])
      assert.match(why('/x/{id}', { name: 'id', in: 'path', style }), /way of its own/);
    for (const name of ['__proto__', 'q\r\nx-admin: 1', 'q&admin'])
      assert.match(why('/x', { name, in: 'query' }), /name cannot stand in a query/);
  });

  test('no server but a whole, plain URL', () => {
    for (const url of [
      '/v1',
      '//evil.example',
      'file:///x',
      'ftp://a',
      'https://u:p@a.example',
      'https://a.example?x',
      'javascript:1',
    ])
      assert.throws(() => imported({ ...base, servers: [{ url }], paths: {} }), /server/, url);
    const relative = imported(
      { ...base, servers: [{ url: '/v1' }], paths: {} },
      null,
      'https://a.example/docs/openapi.json',
    );
    assert.equal(relative.connection.url, 'https://a.example/v1');
  });

  test('what is no such document', () => {
    for (const document of [
      null,
      [],
      1,
      {},
      { swagger: '2.0', paths: {} },
      { openapi: '2.0' },
      { openapi: 3 },
    ])
      assert.throws(() => operationsOf(document as Json), /OpenAPI 3\.x/);
  });

  test('thousands of operations and references are bounded', () => {
    const item = { get: { parameters: [{ $ref: '#/components/parameters/a' }] } };
    const paths = Object.fromEntries(Array.from({ length: 6_000 }, (_, i) => [`/p${i}`, item]));
    assert.throws(() => operationsOf({ ...base, paths }), /more than 5000/);
    const some = Object.fromEntries(Object.entries(paths).slice(0, 400));
    assert.throws(() => imported({ ...base, paths: some }), /too many tools/);
  });
});
