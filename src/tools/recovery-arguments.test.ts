import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tool } from '../domain/bundle.ts';
import type { JsonObject } from '../domain/json.ts';
import { argumentRecovery } from './recovery-arguments.ts';

const called = (name: string, input: JsonObject) =>
  argumentRecovery({ name, binding: { mcp: 'tools/call', name } } as unknown as Tool, input);

const REMOVES: [string, JsonObject][] = [
  ['manage_backups', { action: 'delete', id: 'b' }],
  ['volumes', { operation: 'DELETE', id: 'v' }],
  ['graphql', { query: 'mutation { volumeDelete(volumeId: "x") }' }],
  ['graphql', { query: 'mutation{ok:volumeBackupDelete(id:1){id}}', variables: {} }],
  ['railway', { body: { query: 'mutation($id:ID!){volumeDelete(id:$id)}' } }],
  ['run_sql', { sql: 'drop table customers' }],
  ['query', { query: "delete from audit_log where day < '2020-01-01'" }],
  ['shell', { command: 'cd /x && git push --force' }],
  ['git', { args: ['push', '--force'] }],
  ['exec', { command: 'kubectl', args: ['delete', 'pvc', 'data'] }],
  ['exec', { argv: ['aws', 's3', 'rb', 's3://b'] }],
  ['http', { method: 'DELETE', path: '/v1/volumes/x/backups/y' }],
  ['http', { method: 'DELETE', url: 'https://api.example/volumes/' }],
  ['batch', { calls: [{ action: 'deleteSnapshot' }] }],
  ['aws', { api: 'rds', operation: 'DeleteDBSnapshot' }],
];
for (const [name, input] of REMOVES)
  test(`${name} ${JSON.stringify(input)} takes a way to recover away`, () =>
    assert.notEqual(called(name, input), null));

test('neither many values nor many levels hide one', () => {
  const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`note${n}`, 'x']));
  const more = Array.from({ length: 30_000 }, () => 'x');
  const deep = (levels: number): JsonObject =>
    levels === 0 ? { sql: 'drop table customers' } : { of: [[deep(levels - 1)]] };
  for (const input of [{ ...many, sql: 'drop table t' }, { more }, deep(9), deep(60)])
    assert.notEqual(called('batch', input), null);
  assert.equal(called('batch', many), null);
});

const HARMLESS: [string, JsonObject][] = [
  ['create_issue', { title: 'delete old backups', body: 'Please delete the snapshot' }],
  ['search', { query: 'how do I delete a backup' }],
  ['send_mail', { text: 'drop table customers' }],
  ['manage_backups', { action: 'create' }],
  ['run_sql', { sql: 'select * from backups' }],
  ['shell', { command: 'git log -n 3' }],
  ['http', { method: 'GET', path: '/volumes/x/backups' }],
  ['read_file', { path: '/srv/backups/delete-me.txt' }],
  ['write_file', { path: 'notes/remove-snapshots.md', content: 'x' }],
];
for (const [name, input] of HARMLESS)
  test(`${name} ${JSON.stringify(input)} takes none`, () =>
    assert.equal(called(name, input), null));

test('only foreign tools are looked at: what others do was derived', () =>
  assert.equal(
    argumentRecovery({ name: 'x', binding: { sql: 'x' } } as unknown as Tool, {
      sql: 'drop table x',
    }),
    null,
  ));
