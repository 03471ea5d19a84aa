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

test('what a cap left of a secret at the end is withheld', () => {
  const clean = redactorFor([SECRET])(`token: ${SECRET.slice(0, 12)}`);
  assert.equal(clean, 'token: [secret withheld]');
});

test('other text stays as it is, and short values blank nothing', () => {
  assert.equal(redactorFor([SECRET])('nothing here'), 'nothing here');
  assert.equal(redactorFor(['a', ''])('a banana'), 'a banana');
});
