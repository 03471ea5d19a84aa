import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { labelsOf } from '../../tools/classify/classify.ts';
import { tightened } from './tightened.ts';

const schema = (types: { [name: string]: string }, required: string[] = []): JsonObject => ({
  type: 'object',
  properties: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { type }])),
  required,
});

const of = (name: string, inputSchema: JsonObject, effect: 'read' | 'write' | 'destroy') =>
  tightened(labelsOf({ name, inputSchema }), effect, inputSchema);

test('a write needs proofs of all that decides, a destruction of who gets what', () => {
  const mail = schema({ to: 'string', 'reply.to': 'string', path: 'string', text: 'string' });
  assert.deepEqual(of('send_mail', mail, 'write').authority, ['to', 'path']);
  assert.deepEqual(of('send_mail', mail, 'destroy').authority, ['to']);
  assert.deepEqual(of('send_mail', mail, 'read').authority, []);
  const files = schema({ path: 'string', content: 'string' });
  assert.deepEqual(of('delete_file', files, 'destroy').authority, []);
  const paid = schema({ iban: 'string', amount: 'number', contactEmail: 'string', url: 'string' });
  assert.deepEqual(of('pay', paid, 'destroy').authority, ['iban', 'amount', 'contactEmail']);
});

test('the end of an edge is nobody who gets something, unless something is handed over', () => {
  const ends = (types: { [name: string]: string }): JsonObject => ({
    type: 'object',
    properties: { relations: { type: 'array', items: schema(types) } },
  });
  const edge = { from: 'string', to: 'string', relationType: 'string' };
  const needed = (inputSchema: JsonObject) =>
    of('delete_relations', inputSchema, 'destroy').authority;
  assert.deepEqual(needed(ends(edge)), []);
  assert.deepEqual(needed(ends({ ...edge, amount: 'number' })).toSorted(), [
    'relations[].amount',
    'relations[].to',
  ]);
  assert.deepEqual(needed(ends({ to: 'string' })), ['relations[].to']);
  assert.deepEqual(of('remove', schema(edge), 'destroy').authority, []);
  const people = schema(edge);
  const told = { ...people, properties: { ...(people.properties as JsonObject) } };
  told.properties.to = { type: 'string', description: 'who is sent it: an e-mail address' };
  assert.deepEqual(of('remove', told, 'destroy').authority, ['to']);
});

test('optional switches that take a safety catch off are hidden, and nothing else', () => {
  const deploy = schema(
    { force: 'boolean', skip_confirmation: 'boolean', noVerify: 'boolean', forceful: 'boolean' },
    [],
  );
  assert.deepEqual(of('deploy', deploy, 'write').hide, ['force', 'skip_confirmation', 'noVerify']);
  assert.deepEqual(of('list', deploy, 'read').hide, []);
  assert.deepEqual(of('push', schema({ force: 'boolean' }, ['force']), 'write').hide, []);
  assert.deepEqual(of('push', schema({ force: 'string' }), 'write').hide, []);
  const twins = schema({ no_verify: 'boolean', noVerify: 'boolean', 'no-verify': 'string' });
  assert.deepEqual(of('push', twins, 'write').hide, [], 'a twin would be a way around');
});
