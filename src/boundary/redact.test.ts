import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redactorFor } from './redact.ts';

const SECRET = 'fixture/secret+"value"=42';

test('a secret is withheld in every spelling', () => {
  const redact = redactorFor([SECRET]);
  const bytes = Buffer.from(SECRET);
  for (const spelling of [
    SECRET,
    bytes.toString('base64'),
    bytes.toString('hex'),
    encodeURIComponent(SECRET),
    JSON.stringify(SECRET),
  ]) {
    const clean = redact(`before ${spelling} after`);
    assert.ok(!clean.includes(spelling.slice(1, -1)), clean);
    assert.match(clean, /^before .*\[secret withheld\].* after$/);
  }
});

test('a secret behind escapes is withheld, in either case and in any mixture', () => {
  const redact = redactorFor([SECRET]);
  const units = [...SECRET].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
  const percent = [...Buffer.from(SECRET)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  for (const spelling of [
    SECRET.replaceAll('/', '\\/').replaceAll('"', '\\"'),
    units.join(''),
    units.join('').toUpperCase().replaceAll('U', 'u'),
    [...SECRET].map((c, i) => (i % 2 === 0 ? c : units[i])).join(''),
    percent.join(''),
    encodeURIComponent(SECRET).toLowerCase(),
    SECRET.replaceAll('+', '%2b').replaceAll('/', '\\/'),
  ])
    assert.equal(redact(`before ${spelling} after`), 'before [secret withheld] after', spelling);
  const mixed = redactorFor(['sk/live/9f8A+Qz'])('err sk%2flive%2f9f8a%2bqz');
  assert.equal(mixed, 'err [secret withheld]', 'lower-cased as a whole');
  assert.equal(redact('a \\"quoted\\" 100%25 b'), 'a \\"quoted\\" 100%25 b');
});

test('the end of a whole text is no part of a secret', () => {
  const redact = redactorFor([SECRET]);
  assert.equal(redact('a fixture', true), 'a fixture');
  assert.equal(redact('a fixture'), 'a [secret withheld]');
});

test('what a cap left of a secret at the end is withheld', () => {
  const clean = redactorFor([SECRET])(`token: ${SECRET.slice(0, 12)}`);
  assert.equal(clean, 'token: [secret withheld]');
  for (const half of ['fixture\\/secr\\u00', 'fixture\\/secret\\', 'fixture%2fsecret%2'])
    assert.equal(redactorFor([SECRET])(`token: ${half}`), 'token: [secret withheld]', half);
});

test('other text stays as it is, and short values blank nothing', () => {
  assert.equal(redactorFor([SECRET])('nothing here'), 'nothing here');
  assert.equal(redactorFor(['a', ''])('a banana'), 'a banana');
});
