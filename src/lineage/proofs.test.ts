import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ArgumentKind, AuthorityArgument } from '../domain/lineage.ts';
import { Book } from './book.ts';
import { effectiveOf } from './effective.ts';
import { listedIn } from './listed.ts';
import { proofsOf } from './proofs.ts';

const ORGANISATION = {
  name: 'acme',
  domains: ['acme.example'],
  directory: ['https://partner.example/hook', 'DE12 3456'],
  groups: { 'all@acme.example': ['eve@acme.example', 'zoe@other.example'] },
};

/** How a value is proven by an intent alone. */
function proofOf(
  kind: ArgumentKind,
  value: string | number,
  intent: string,
  more: Partial<AuthorityArgument> = {},
): string {
  const lineage = { authority: [{ argument: 'x', kind, ...more }], outward: true, source: [] };
  const ground = { book: new Book(intent), organisation: ORGANISATION };
  const proofs = proofsOf(lineage, { x: value }, ground).map(({ proof }) => proof);
  return proofs.every((proof) => proof === proofs[0]) ? (proofs[0] ?? 'none') : proofs.join(' ');
}

describe('the principal’s words', () => {
  const cases: [ArgumentKind, string | number, string, string][] = [
    ['destination', 'bob@x.example', 'write to bob@x.example, please', 'principal'],
    ['destination', 'Bob <BOB@X.example>', "write to 'bob@x.example'.", 'principal'],
    ['destination', 'ｂｏｂ@x.example', 'write to bob@x.example', 'principal'],
    ['destination', 'b\u200bob@x.example', 'write to bob@x.example', 'principal'],
    ['destination', 'b\u043eb@x.example', 'write to bob@x.example', 'unknown'],
    ['destination', 'bob@x.example', 'write to evilbob@x.example', 'unknown'],
    ['destination', 'bob@x.example', 'write to bob@x.example.evil.example', 'unknown'],
    ['destination', 'https://X.example:443/a/../b', 'fetch https://x.example/b', 'principal'],
    ['destination', 'https://x.example/b?q=1', 'fetch https://x.example/b', 'unknown'],
    ['destination', 'https://x.example@evil.example/', 'fetch https://x.example', 'unknown'],
    ['destination', 'ed', 'tell ed', 'unknown'],
    ['target', 'Report-7', 'remove Report-7', 'principal'],
    ['target', 'report-7', 'remove Report-7', 'unknown'],
    ['target', 'passwd', 'read /etc/passwd', 'unknown'],
    ['target', '/etc', 'read /etc/passwd', 'unknown'],
    ['target', '13', 'on the 13 of May', 'unknown'],
    ['secret', '1j1l-2k3j', "set it to '1j1l-2k3j'.", 'principal'],
    ['secret', '1J1L-2K3J', "set it to '1j1l-2k3j'.", 'unknown'],
    ['amount', 1200, 'pay 1,200.00 now', 'principal'],
    ['amount', 1200, 'pay 11200 now', 'unknown'],
    ['amount', 50, 'pay 50 now', 'unknown'],
    ['code', 'DELETE FROM users', 'delete old users', 'principal'],
    ['code', 'delete /* x */ from "users"', 'delete old users', 'principal'],
    ['code', 'DELETE FROM orders', 'delete old users', 'unknown'],
    ['code', 'SELECT 1; DROP TABLE users', 'select from users', 'unknown unknown'],
  ];
  for (const [kind, value, intent, proof] of cases)
    test(`${kind} ${value} in "${intent}": ${proof}`, () => {
      const found = proofOf(kind, value, intent);
      if (proof === 'unknown unknown') assert.doesNotMatch(found, /^principal$/);
      else assert.equal(found, proof);
    });
});

test('the operator’s word', () => {
  const by = (value: string) => proofOf('destination', value, 'x');
  assert.equal(by('eve@mail.acme.example'), 'operator');
  assert.equal(by('eve@acme.example.evil.example'), 'unknown');
  assert.equal(by('de12 3456'), 'operator');
  assert.equal(by('https://partner.example/hook'), 'operator');
  assert.equal(by('https://partner.example/hook/x'), 'unknown');
  assert.equal(by('all@acme.example'), 'unknown', 'a group with somebody outside is outside');
  assert.equal(proofOf('amount', 99, 'x', { least: 1, most: 100 }), 'operator');
  assert.equal(proofOf('amount', 0.01, 'x', { least: 1, most: 100 }), 'unknown');
  assert.equal(proofOf('amount', Number.NaN, 'x', { least: 1, most: 100 }), 'unknown');
  assert.equal(proofOf('code', 'rm -rf /srv/old', 'x', { allow: ['rm /srv/old'] }), 'operator');
});

test('what statements and commands come down to', () => {
  const targets = (text: string) => effectiveOf(text)?.map(({ target }) => target) ?? null;
  assert.deepEqual(targets('select * from a join b on true'), ['select a', 'select b']);
  assert.deepEqual(targets('WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x'), [
    'delete users',
    'select x',
  ]);
  assert.deepEqual(targets('UPDATE "public"."Users" SET a = 1'), ['update public.users']);
  assert.deepEqual(targets('cat a.txt | tee /srv/b'), ['cat a.txt', 'tee /srv/b']);
  assert.deepEqual(targets('DELETE https://X.example/v1/volumes/'), [
    'delete x.example/v1/volumes',
  ]);
  for (const hidden of ['rm $(echo x)', 'echo `x`', 'select $$ x $$', 'select 1 /* '])
    assert.equal(targets(hidden), null, hidden);
});

test('a text that holds several addresses is each of them', () => {
  assert.equal(
    proofOf('destination', 'bob@x.example; eve@y.example', 'write to bob@x.example'),
    'principal unknown',
  );
});

test('what strangers’ tools say of themselves is untrusted, what the operator’s own say is not theirs', () => {
  const tool = (name: string) => ({
    name,
    description: 'Removes a record, for instance record-4711.',
    inputSchema: { properties: { id: { enum: ['record-4712'] } } },
  });
  const tools = { theirs: tool('theirs'), ours: tool('ours') };
  const book = new Book('clean up');
  const organisation = { name: 'o', domains: [] };
  const proofs = (isForeign: (each: { name: string }) => boolean, value: string) =>
    proofsOf(
      { authority: [{ argument: 'id', kind: 'target' }], outward: false, source: [] },
      { id: value },
      { book, organisation, listed: listedIn({ ...tools }, isForeign) },
    ).map(({ proof, span }) => `${proof} ${span?.of} ${span?.tool}`);
  for (const value of ['record-4711', 'record-4712'])
    assert.deepEqual(
      proofs(({ name }) => name === 'theirs', value),
      ['untrusted tools theirs'],
    );
  assert.deepEqual(
    proofs(() => false, 'record-4711'),
    ['unknown undefined undefined'],
  );
  assert.deepEqual(
    proofs(() => true, 'record-4713'),
    ['unknown undefined undefined'],
  );
});
