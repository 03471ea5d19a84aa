import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Derived } from '../../domain/connector.ts';
import type { JsonObject } from '../../domain/json.ts';
import { createHttpInspector } from './inspector.ts';
import { connectionTo, httpTool } from './testing/target.ts';

const PRIVATE = connectionTo('http://10.0.0.1');
const INSIDE = connectionTo('https://api.acme.example', { allowPrivate: false, inside: true });
const OUTSIDE = connectionTo('https://api.elsewhere.example', { allowPrivate: false });

function derive(
  binding: JsonObject,
  properties: JsonObject = {},
  connection = PRIVATE,
  name = 'fixture',
): Promise<Derived> {
  const tool = httpTool(binding, {
    name,
    inputSchema: { type: 'object', properties, additionalProperties: false },
  });
  return createHttpInspector().derive(tool, connection);
}

const text = { type: 'string' };

const CLASSES: [string, JsonObject, 'read' | 'write' | 'destroy', boolean][] = [
  ['a GET', { method: 'GET', path: '/volumes/{v}' }, 'read', false],
  ['a GET of backups', { method: 'GET', path: '/volumes/{v}/backups' }, 'read', false],
  ['a GET of deleted things', { method: 'GET', path: '/deleted-orders' }, 'read', false],
  [
    'a GET that ends in a removing verb',
    { method: 'GET', path: '/orders/{o}/delete' },
    'destroy',
    false,
  ],
  ['a GET that deletes backups', { method: 'GET', path: '/backups/{b}/delete' }, 'destroy', true],
  ['a HEAD', { method: 'HEAD', path: '/volumes/{v}' }, 'read', false],
  ['a POST', { method: 'POST', path: '/notes', body: { text: '{v}' } }, 'write', false],
  ['a PUT', { method: 'PUT', path: '/notes/{v}' }, 'write', false],
  ['a PATCH', { method: 'PATCH', path: '/notes/{v}' }, 'write', false],
  ['a DELETE', { method: 'DELETE', path: '/notes/{v}' }, 'destroy', false],
  [
    'a POST that creates a backup',
    { method: 'POST', path: '/volumes/{v}/backups' },
    'write',
    false,
  ],
  ['a POST that writes an audit event', { method: 'POST', path: '/audit/events' }, 'write', false],
  ['a POST to a removing action', { method: 'POST', path: '/notes/{v}:purge' }, 'destroy', false],
  ['a DELETE of a backup', { method: 'DELETE', path: '/volumes/{v}/backups/{b}' }, 'destroy', true],
  ['a DELETE of a snapshot', { method: 'DELETE', path: '/db-snapshots/{b}' }, 'destroy', true],
  ['a DELETE of a version', { method: 'DELETE', path: '/docs/{v}/versions/{b}' }, 'destroy', true],
  ['a DELETE of audit logs', { method: 'DELETE', path: '/auditLogs/{b}' }, 'destroy', true],
  [
    'a DELETE that names backups in its query',
    { method: 'DELETE', path: '/things/{b}', query: { kind: 'backup' } },
    'destroy',
    true,
  ],
  [
    'a POST that removes snapshots',
    { method: 'POST', path: '/snapshots/{b}/remove' },
    'destroy',
    true,
  ],
  [
    'a POST whose body says so',
    { method: 'POST', path: '/rpc', body: { method: 'deleteBackup', id: '{b}' } },
    'destroy',
    true,
  ],
  ['a PUT of a retention', { method: 'PUT', path: '/buckets/{b}/retention' }, 'destroy', true],
  [
    'a PATCH that turns protection off',
    { method: 'PATCH', path: '/db/{b}', body: { deletionProtection: false } },
    'destroy',
    true,
  ],
  [
    'a POST that disables versioning',
    { method: 'POST', path: '/buckets/{b}/versioning/disable' },
    'destroy',
    true,
  ],
  ['a DELETE of a kind the agent chooses', { method: 'DELETE', path: '/{v}/{b}' }, 'destroy', true],
  ['a DELETE of anything', { method: 'DELETE', path: '/{b}' }, 'destroy', true],
  [
    'a DELETE below what the agent chooses',
    { method: 'DELETE', path: '/repos/{v}/{b}/issues/{v}' },
    'destroy',
    false,
  ],
  [
    'a GraphQL query',
    { method: 'POST', path: '/graphql', body: { query: 'query {{ me {{ id }} }}' } },
    'write',
    false,
  ],
  [
    'a GraphQL mutation that deletes',
    { method: 'POST', path: '/graphql', body: { query: 'mutation {{ userDelete }}' } },
    'destroy',
    false,
  ],
  [
    'the volume delete of the incident',
    { method: 'POST', path: '/graphql/v2', body: { query: 'mutation {{ volumeBackupDelete }}' } },
    'destroy',
    true,
  ],
  [
    'a GraphQL query that the agent writes',
    { method: 'POST', path: '/graphql', body: { query: '{v}' } },
    'destroy',
    true,
  ],
  ['a DELETE of a volume', { method: 'DELETE', path: '/v1/volumes/{v}' }, 'destroy', true],
  [
    'a DELETE of a label of one',
    { method: 'DELETE', path: '/volumes/{v}/labels/{b}' },
    'destroy',
    false,
  ],
  ['a DELETE of a database', { method: 'DELETE', path: '/v2/databases/{v}' }, 'destroy', true],
  [
    'a DELETE of an object',
    { method: 'DELETE', path: '/buckets/{v}/objects/{b}' },
    'destroy',
    false,
  ],
  ['a path with escapes', { method: 'DELETE', path: '/%62ackups/{v}' }, 'destroy', true],
  [
    'a claim on a volume',
    { method: 'DELETE', path: '/api/v1/namespaces/{v}/persistentvolumeclaims/{b}' },
    'destroy',
    true,
  ],
  ['a pod', { method: 'DELETE', path: '/api/v1/namespaces/{v}/pods/{b}' }, 'destroy', false],
  ['a Git ref', { method: 'DELETE', path: '/repos/{v}/{v}/git/refs/heads/{b}' }, 'destroy', true],
  [
    'a method in a header',
    {
      method: 'POST',
      path: '/volumes/{v}/backups/{b}',
      headers: { 'x-http-method-override': 'DELETE' },
    },
    'destroy',
    true,
  ],
  [
    'a method in the query of a GET',
    { method: 'GET', path: '/backups/{b}', query: { _method: 'delete' } },
    'destroy',
    true,
  ],
  [
    'a method that the agent chooses',
    { method: 'POST', path: '/notes/{v}', query: { _method: '{b}' } },
    'destroy',
    true,
  ],
  [
    'an action in the query',
    { method: 'POST', path: '/', query: { Action: 'DeleteDBSnapshot', Id: '{v}' } },
    'destroy',
    true,
  ],
  [
    'a changed retention',
    {
      method: 'POST',
      path: '/',
      query: { Action: 'ModifyDBInstance', BackupRetentionPeriod: '0' },
    },
    'destroy',
    true,
  ],
  [
    'a target in a header',
    {
      method: 'POST',
      path: '/',
      headers: { 'x-amz-target': 'Dynamo.DeleteBackup' },
      body: { BackupArn: '{v}' },
    },
    'destroy',
    true,
  ],
  [
    'a lifecycle rule',
    { method: 'POST', path: '/buckets/{v}/lifecycle/rules', body: { days: 1 } },
    'destroy',
    true,
  ],
  [
    'a scheduled end of a key',
    { method: 'POST', path: '/kms', body: { action: 'ScheduleKeyDeletion' } },
    'destroy',
    true,
  ],
  [
    'an action that the agent chooses',
    { method: 'POST', path: '/rpc', body: { method: '{v}', params: { id: '{b}' } } },
    'destroy',
    true,
  ],
  ['an action in the path', { method: 'POST', path: '/servers/{v}/{action}' }, 'destroy', true],
  [
    'SQL that the agent writes',
    { method: 'POST', path: '/query', body: { sql: '{v}' } },
    'destroy',
    true,
  ],
  [
    'a search that the agent writes',
    { method: 'POST', path: '/search', body: { query: '{v}' } },
    'write',
    false,
  ],
  ['a restore', { method: 'POST', path: '/backups/{b}/restore' }, 'write', false],
  [
    'the incident’s own call',
    {
      method: 'POST',
      path: '/graphql/v2',
      body: {
        query: 'mutation($id: ID!) {{ volumeDelete(volumeId: $id) }}',
        variables: { id: '{v}' },
      },
    },
    'destroy',
    true,
  ],
  [
    'it behind an alias and a comment',
    {
      method: 'POST',
      path: '/api',
      body: { query: '# note\nmutation X {{ ok:volumeDelete(id: 1) }}' },
    },
    'destroy',
    true,
  ],
  [
    'it in a fragment',
    {
      method: 'POST',
      path: '/graphql',
      body: { query: 'mutation {{ ...F }} fragment F on Mutation {{ volumeDelete }}' },
    },
    'destroy',
    true,
  ],
  [
    'it below a name that only groups',
    {
      method: 'POST',
      path: '/graphql',
      body: { query: 'mutation {{ volumes {{ delete(id: 1) }} }}' },
    },
    'destroy',
    true,
  ],
  [
    'a GraphQL mutation below one that adds',
    {
      method: 'POST',
      path: '/graphql',
      body: { query: 'mutation($t: ID!) {{ notes {{ add(text: $t) }} }}' },
    },
    'write',
    false,
  ],
  [
    'a GraphQL hash without its text',
    { method: 'POST', path: '/graphql', body: { extensions: { persistedQuery: '{v}' } } },
    'destroy',
    true,
  ],
];

for (const [what, binding, effect, recoveryPath] of CLASSES)
  test(`${what} is \`${effect}\`${recoveryPath ? ' and removes a way to recover' : ''}`, async () => {
    const derived = await derive(binding, { v: text, b: text, action: text });
    assert.equal(derived.effect, effect, derived.derivation.join('; '));
    assert.equal(derived.recoveryPath, recoveryPath, derived.derivation.join('; '));
    assert.ok(derived.derivation.length > 0);
  });

test('a read that carries what the agent chose out of the organisation is a write', async () => {
  const search = { method: 'GET', path: '/search', query: { q: '{v}' } };
  assert.equal((await derive(search, { v: text }, OUTSIDE)).effect, 'write');
  assert.equal(
    (await derive({ method: 'GET', path: '/{v}' }, { v: text }, OUTSIDE)).effect,
    'write',
  );
  assert.equal((await derive(search, { v: text }, INSIDE)).effect, 'read');
  assert.equal((await derive(search, { v: text }, PRIVATE)).effect, 'read');
  assert.equal((await derive({ method: 'GET', path: '/status' }, {}, OUTSIDE)).effect, 'read');
  const literal = connectionTo('https://8.8.8.8', { allowPrivate: true });
  assert.equal((await derive(search, { v: text }, literal)).effect, 'write');
});

test('choices, numbers and patterns keep ways to recover out of what the agent can name', async () => {
  const binding = { method: 'DELETE', path: '/{kind}/{id}' };
  const recovery = async (kind: JsonObject) =>
    (await derive(binding, { kind, id: text })).recoveryPath;
  assert.equal(await recovery(text), true);
  assert.equal(await recovery({ enum: ['notes', 'drafts'] }), false);
  assert.equal(await recovery({ enum: ['notes', 'backups'] }), true);
  assert.equal(await recovery({ type: 'integer' }), false);
  assert.equal(await recovery({ type: 'string', pattern: '^[0-9]+$' }), false);
  assert.equal(await recovery({ type: 'string', pattern: '^[a-z]+$' }), true);
});

test('its own name can only raise a tool', async () => {
  const post = { method: 'POST', path: '/call' };
  assert.equal((await derive(post, {}, PRIVATE, 'purge_everything')).effect, 'destroy');
  assert.equal((await derive(post, {}, PRIVATE, 'delete_snapshot')).recoveryPath, true);
  const del = { method: 'DELETE', path: '/backups/{b}' };
  assert.equal((await derive(del, { b: text }, PRIVATE, 'read_only_safe_get')).recoveryPath, true);
});

test('a key that the target keeps makes a repeat harmless; nothing else does', async () => {
  const post = { method: 'POST', path: '/pay' };
  assert.equal((await derive(post)).idempotent, false);
  assert.equal((await derive({ method: 'PUT', path: '/pay' })).idempotent, false);
  const keyed = await derive({ ...post, idempotencyHeader: 'idempotency-key' });
  assert.deepEqual([keyed.idempotent, keyed.effect], [false, 'write']);
});

test('a binding that no loader would make is an error, not a guess', async () => {
  for (const binding of [
    {},
    { method: 'GET', path: 'x' },
    { method: 'GET', path: '/a/../b' },
    { method: 'GET', path: '/{' },
  ])
    await assert.rejects(derive(binding), { code: 'TOOL_STATEMENT' });
});
