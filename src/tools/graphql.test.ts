import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGraphql } from './graphql.ts';

function names(text: string): string[] | null {
  return readGraphql(text)?.mutations.map(({ name }) => name) ?? null;
}

test('the fields of mutations are found, whatever stands around them', () => {
  assert.deepEqual(names('{ me { id } }'), []);
  assert.deepEqual(names('query Q($v: Int = 3) { a(x: $v) { mutation } }'), []);
  assert.deepEqual(names('mutation { volumeDelete(volumeId: "x") }'), ['volumeDelete']);
  assert.deepEqual(names('mutation M($v:ID!){safe:volumeDelete(id:$v){id deleteMe}}'), [
    'volumeDelete',
  ]);
  assert.deepEqual(names('#c\nmutation#{\n,,M,{a,b}'), ['a', 'b']);
  assert.deepEqual(names('query A{x} mutation B{y} mutation C{z}'), ['y', 'z']);
  assert.deepEqual(names('mutation{...F} fragment F on Mutation{volumeDelete}'), ['volumeDelete']);
  assert.deepEqual(names('mutation{...on Mutation @include(if:true){volumeDelete}}'), [
    'volumeDelete',
  ]);
  assert.deepEqual(names('mutation{... @skip(if:false){volumeDelete}}'), ['volumeDelete']);
  assert.deepEqual(names('mutation { note(text: "} mutation { volumeDelete }") { id } }'), [
    'note',
  ]);
  assert.deepEqual(names('mutation { note(text: """ "} mutation{x} """) { id } }'), ['note']);
  assert.equal(
    readGraphql('mutation { note(kind: BACKUP) }')?.mutations[0]?.about,
    ' ( kind : BACKUP',
  );
});

test('what stands below a name that only groups is found as well; what a mutation answers is not', () => {
  assert.deepEqual(names('mutation { admin { volumes { delete(id: 1) { id deleted } } } }'), [
    ...['admin', 'volumes', 'admin_volumes', 'delete', 'admin_volumes_delete'],
  ]);
  assert.deepEqual(names('mutation { a @include(if: $deep) { purge } }'), [
    'a',
    'purge',
    'a_purge',
  ]);
  assert.deepEqual(names('mutation { b: a { ... on T { c: purge } } }'), ['a', 'purge', 'a_purge']);
  assert.deepEqual(names('mutation { open(id: 1) { deletedAt volume { wipe(now: true) } } }'), [
    ...['open', 'wipe', 'open_volume_wipe'],
  ]);
});

test('what is no document is nothing', () => {
  for (const text of ['', 'hello', 'mutation', 'mutation {', 'drop table x', '{ a }}'])
    assert.equal(readGraphql(text), null, text);
});
