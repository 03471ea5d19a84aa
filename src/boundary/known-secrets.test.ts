import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownSecrets } from './known-secrets.ts';
import { Matcher } from './matcher.ts';
import { Pieces } from './pieces.ts';
import { redactorFor } from './redact.ts';
import { spellings } from './spellings.ts';

const SECRET = 'fixture/secret+"value"=42&more';
const MARK = '[secret withheld]';

test('the matcher finds what a search text by text finds', () => {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const word = (least: number): string =>
    Array.from({ length: least + next(9) }, () => 'abcd'[next(4)]).join('');
  for (let round = 0; round < 400; round++) {
    const texts = Array.from({ length: 1 + next(12) }, () => word(6));
    const text = word(80) + (round % 3 === 0 ? (texts[next(texts.length)] ?? '') : '') + word(9);
    const places = texts
      .map((one) => ({ at: text.indexOf(one), length: one.length }))
      .filter(({ at }) => at !== -1)
      .sort((a, b) => a.at - b.at || b.length - a.length);
    assert.deepEqual(new Matcher(texts).find(text), places[0] ?? null, text);
  }
});

test('any known secret is withheld in every spelling, wherever it stands', () => {
  const known = new KnownSecrets();
  known.add(SECRET, true);
  for (let i = 0; i < 200; i++) known.add(`another-password-${i}-of-many`);
  const inside = (before: string) => Buffer.from(`${before}${SECRET} and more`).toString('base64');
  for (const spelling of [
    ...spellings(SECRET),
    inside(''),
    inside('u'),
    inside('us:'),
    inside('Bearer '),
  ]) {
    const clean = known.text(`before ${spelling} after`);
    assert.match(clean, /^before .*\[secret withheld\].* after$/, spelling);
  }
  assert.equal(known.text('x another-password-199-of-many'), `x ${MARK}`);
  assert.equal(known.text('nothing of the kind'), 'nothing of the kind');
  const twice = JSON.stringify(JSON.stringify(SECRET));
  assert.ok(!known.text(`in ${twice}`).includes('fixture'), 'escaped twice');
  const percent = encodeURIComponent(encodeURIComponent(SECRET));
  assert.ok(known.text(`in ${percent}`).includes(MARK), 'percent-encoded twice');
});

test('values keep their shape, and stay the very same when nothing is in them', () => {
  const known = new KnownSecrets();
  known.add(SECRET, true);
  const harmless = { a: ['b', { c: 1 }] };
  assert.equal(known.json(harmless), harmless);
  assert.deepEqual(known.json({ [SECRET]: [`x${SECRET}`] }), { [MARK]: [`x${MARK}`] });
  const wire = JSON.stringify({ said: SECRET, n: 1 });
  assert.deepEqual(JSON.parse(known.serialised(wire)), { said: MARK, n: 1 });
  assert.equal(known.serialised('{"n":1}'), '{"n":1}');
});

test('our own tokens are known by their shape', () => {
  const token = `sbx_run_${'a1B2'.repeat(12)}z`;
  assert.equal(new KnownSecrets().text(`token ${token}.`), `token ${MARK}.`);
  assert.equal(new KnownSecrets().text('sbx_run_short'), 'sbx_run_short');
  for (const form of ['hex', 'base64', 'base64url'] as const)
    for (const before of ['', 'a', 'ab'])
      assert.ok(
        new KnownSecrets().text(`x ${Buffer.from(before + token).toString(form)} y`).includes(MARK),
        `${form} after ${before.length}`,
      );
  assert.ok(new KnownSecrets().text(token.toLowerCase()).includes(MARK));
  assert.ok(new KnownSecrets().text(token.toUpperCase()).includes(MARK));
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  for (const form of [
    base64(`{"auth":"${base64(`me:${token}`)}"}`),
    Buffer.from(token, 'utf16le').toString('base64'),
    [...Buffer.from(token)].map((byte) => byte.toString(16)).join(':'),
    base64(`Authorization: Bearer ${token}`).replaceAll(/(.{76})/g, '$1\r\n'),
  ])
    assert.ok(new KnownSecrets().text(`x ${form} y`).includes(MARK), form);
  const percent = [...token].map((sign) => `%${sign.charCodeAt(0).toString(16)}`).join('');
  assert.ok(new KnownSecrets().text(percent).includes(MARK));
});

test('a secret in pieces is withheld', () => {
  const redact = redactorFor([SECRET]);
  for (let cut = 1; cut < SECRET.length; cut++) {
    const pieces = new Pieces(redact, 200);
    const told =
      pieces.next(`so ${SECRET.slice(0, cut)}`) + pieces.next(`${SECRET.slice(cut)} far`);
    assert.ok(!told.includes(SECRET), told);
    assert.ok(!told.includes(SECRET.slice(Math.min(cut, 6))), `cut at ${cut}: ${told}`);
  }
  const three = new Pieces(redact, 200);
  const parts = [SECRET.slice(0, 8), SECRET.slice(8, 16), SECRET.slice(16)];
  assert.deepEqual(
    parts.map((part) => three.next(part)),
    [MARK, MARK, MARK],
    'what lies in the middle goes too',
  );
  const pieces = new Pieces(redact, 200);
  assert.equal(pieces.next('nothing') + pieces.next(' here'), 'nothing here');
  assert.equal(pieces.next(`all of ${SECRET}`) + pieces.next('harmless'), `all of ${MARK}harmless`);
});

test('pieces of a secret are followed at their place, whatever stands beside them', () => {
  const known = new KnownSecrets();
  const long = `${SECRET}${'0123456789abcdef'.repeat(60)}`;
  known.add(long, true);
  const told = known.pieces();
  const said = (progress: number, message: string) =>
    told({ progressToken: 'p', progress, message, data: { level: 'error', logger: 'server' } });
  assert.equal(said(1, `see ${long.slice(0, 700)}`).message, `see ${MARK}`);
  const rest = said(2, long.slice(700));
  assert.equal(rest.message, MARK);
  assert.deepEqual(rest.data, { level: 'error', logger: 'server' });
  assert.equal(said(3, 'more').message, 'more');
});
