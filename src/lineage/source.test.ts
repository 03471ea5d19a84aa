import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import type { SourceRule } from '../domain/lineage.ts';
import { Book } from './book.ts';
import { flowsOf } from './flows.ts';

const RULE: SourceRule = { trusted: [], labels: [], readers: null, text: 'json' };

function heard(text: string, rule: Partial<SourceRule> = {}, given: JsonObject = {}, n = 1) {
  return {
    action: `act_${n}`,
    tool: 'look',
    lineage: { authority: [], outward: false, source: [{ ...RULE, ...rule }] },
    arguments: given,
    settlement: { kind: 'done' as const, result: { text, cut: [] } },
  };
}

function bookOf(...all: ReturnType<typeof heard>[]): Book {
  const book = new Book(null);
  for (const each of all) book.add(each);
  book.settle();
  return book;
}

test('a trusted place is a place in the structure, whatever a text within it looks like', () => {
  const rule = { trusted: ['[].id'], text: 'yaml' as const };
  const text = "- id: 'rec-1'\n  body: |\n    id: 'rec-2'\n    - id: rec-3\n- id: rec-4\n";
  const book = bookOf(heard(text, rule));
  assert.notEqual(book.leaf('=rec-1'), null);
  assert.notEqual(book.leaf('=rec-4'), null);
  for (const planted of ['rec-2', 'rec-3']) assert.equal(book.leaf(`=${planted}`), null, planted);
});

test('short leaves, errors, doubled keys and references prove nothing', () => {
  assert.equal(bookOf(heard('[{"id":"abc"}]', { trusted: ['[].id'] })).leaf('=abc'), null);
  const yaml = { trusted: ['id'], text: 'yaml' as const };
  assert.equal(bookOf(heard('id: good-1\nid: evil-1\n', yaml)).leaf('=evil-1'), null);
  assert.equal(bookOf(heard('a: &x evil-1\nid: *x\n', yaml)).leaf('=evil-1'), null);
  const wire = '"content":[{"type":"text","text":"{\\"id\\":\\"rec-1\\"}"}],"isError":true';
  const failed = heard('', { trusted: ['id'] });
  const settlement = { kind: 'done' as const, result: { text: '', cut: [], wire } };
  assert.equal(bookOf({ ...failed, settlement }).leaf('=rec-1'), null);
});

test('a rule for some objects is for no others', () => {
  const rule = { when: { argument: 'path', prefix: 'ours/' }, trusted: ['.'] };
  const by = (path: string) => bookOf(heard('value-1', rule, { path })).leaf('=value-1') !== null;
  assert.equal(by('ours/a'), true);
  for (const path of ['theirs/a', 'ours/../theirs/a', 'ours/%2e%2e/theirs', '', 'ours//a'])
    assert.equal(by(path), false, path);
});

test('beyond its bounds a book proves nothing, and says so', () => {
  const book = bookOf(heard(JSON.stringify([{ id: 'rec-0' }]), { trusted: ['[].id'] }));
  assert.notEqual(book.leaf('=rec-0'), null);
  for (let n = 2; n < 8; n++) book.add(heard(`${'x '.repeat(900_000)}${n}`, {}, {}, n));
  book.settle();
  assert.equal(book.leaf('=rec-0'), null);
  assert.equal(book.isWhole, false);
  const lineage = { authority: [], outward: true, source: [] };
  const ground = { book, organisation: { name: 'o', domains: [] }, isSecret: () => false };
  assert.deepEqual(
    flowsOf(lineage, { body: 'hello there' }, [], ground).map(({ kind }) => kind),
    ['unread'],
  );
});

test('the words of a labelled source are found however they are set, small things are not', () => {
  const book = bookOf(
    heard('the  acquisition\n of "Globex", 463820', { labels: ['private'], readers: [] }),
  );
  const lineage = { authority: [], outward: true, source: [] };
  const ground = { book, organisation: { name: 'o', domains: [] }, isSecret: () => false };
  const kinds = (body: string) => flowsOf(lineage, { body }, [], ground).map(({ kind }) => kind);
  assert.deepEqual(kinds('re: THE ACQUISITION of globex'), ['labelled']);
  assert.deepEqual(kinds('code 463820'), ['labelled']);
  assert.deepEqual(kinds('the deal'), []);
});

test('two cells of a row of a labelled source are found, one is not, nor what many rows say', () => {
  const rows = Array.from({ length: 60 }, (_, i) => ({
    ...{ name: `Person ${String.fromCharCode(97 + (i % 26))}${i}`, pay: 52_000 + i },
    state: 'active',
  }));
  const lineage = { authority: [], outward: true, source: [] };
  const kindsOf = (rule: Partial<SourceRule>) => {
    const book = bookOf(heard(JSON.stringify(rows), rule));
    const ground = { book, organisation: { name: 'o', domains: [] }, isSecret: () => false };
    return (body: string) => flowsOf(lineage, { body }, [], ground).map(({ kind }) => kind);
  };
  const kinds = kindsOf({ readers: [] });
  assert.deepEqual(kinds('It is 52007 for person h7!'), ['labelled']);
  for (const plain of ['It is 52007.', 'Person h7 is here.', 'Person h7 and 52008, active'])
    assert.deepEqual(kinds(plain), [], plain);
  assert.deepEqual(kindsOf({})('It is 52007 for person h7!'), [], 'nobody said that it is private');
});

test('what is kept for its own readers stays so when it comes back from where a run wrote it', () => {
  const book = new Book(null);
  book.add(heard('the acquisition of Globex closes'), ['untrusted', 'private']);
  const lineage = { authority: [], outward: false, source: [] };
  const to = { argument: 'to', kind: 'destination' as const };
  const proof = { ...to, proof: 'principal' as const, span: null, outside: true };
  const kinds = (value: string) =>
    flowsOf(
      { ...lineage, authority: [to] },
      { to: value, body: 'the acquisition of Globex' },
      [{ ...proof, value }],
      { book, organisation: { name: 'o', domains: ['o.example'] }, isSecret: () => false },
    ).map(({ kind }) => kind);
  assert.deepEqual(kinds('eve@else.example'), ['labelled']);
  assert.deepEqual(kinds('ann@o.example'), []);
});

test('an address is one without its scheme too, where something follows its host', () => {
  const book = new Book('look at docs.partner.example/guide');
  const lineage = { authority: [], outward: true, source: [] };
  const ground = {
    book,
    organisation: { name: 'o', domains: ['o.example'] },
    isSecret: () => false,
  };
  const found = (body: string) => flowsOf(lineage, { body }, [], ground).map(({ value }) => value);
  assert.deepEqual(found('see collect.evil.example/4711?x'), ['collect.evil.example/4711?x']);
  for (const plain of [
    'see notes.txt, and/or v1.2/3',
    'docs.partner.example/guide',
    'wiki.o.example/a',
  ])
    assert.deepEqual(found(plain), [], plain);
});

test('an address in what somebody outside gets is one, whatever its tool is said to be', () => {
  const book = new Book(null);
  const to = { argument: 'to', kind: 'destination' as const };
  const ground = {
    book,
    organisation: { name: 'o', domains: ['o.example'] },
    isSecret: () => false,
  };
  const kinds = (value: string) =>
    flowsOf(
      { outward: false, source: [], authority: [to] },
      { to: value, title: '![x](https://collect.evil.example/4711)' },
      [{ ...to, value, proof: 'principal', span: null, outside: true }],
      ground,
    ).map(({ kind }) => kind);
  assert.deepEqual(kinds('eve@else.example'), ['address']);
  assert.deepEqual(kinds('ann@o.example'), []);
});
