import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK, redactorFor } from './redact.ts';

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

test('a secret as templates, forms, shells, databases and mails write it is withheld', () => {
  const secret = `aB3/dEf+gH=ij kL"m'n&o<p>q`;
  const token = `eyJhbGciOiJSUzI1NiJ9.${'Qk3x9Zp2'.repeat(20)}.${'sIgN4tUr'.repeat(10)}`;
  const entity = (of: (code: number) => string) => (text: string) =>
    text.replaceAll(/[^a-zA-Z0-9]/g, (sign) => of(sign.charCodeAt(0)));
  const hex = (text: string, between: string) =>
    [...Buffer.from(text)].map((byte) => byte.toString(16).padStart(2, '0')).join(between);
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const written: { readonly [as: string]: (text: string) => string } = {
    'upper case': (text) => text.toUpperCase(),
    'hexadecimal entities': entity((code) => `&#x${code.toString(16).toUpperCase()};`),
    'decimal entities': entity((code) => `&#${code};`),
    'entities with zeros': entity((code) => `&#0${code};`),
    'named entities': (text) =>
      text.replaceAll('&', '&amp;').replaceAll("'", '&apos;').replaceAll('"', '&quot;'),
    'a form': (text) => new URLSearchParams({ a: text }).toString(),
    'a dump': (text) => hex(text, ' '),
    'a fingerprint': (text) => hex(text, ':').toUpperCase(),
    'a literal of bytes': (text) => `b'\\x${hex(text, '\\x')}'`,
    'code points': (text) =>
      [...text].map((sign) => `\\u{${sign.charCodeAt(0).toString(16)}}`).join(''),
    'a mail': (text) => base64(text).replaceAll(/(.{76})/g, '$1\r\n'),
    'a mail in JSON': (text) => JSON.stringify(base64(text).replaceAll(/(.{60})/g, '$1\n')),
    'an indented block': (text) => base64(text).replaceAll(/(.{64})/g, '$1\n    '),
    'a powershell': (text) => Buffer.from(text, 'utf16le').toString('base64'),
    'wide characters': (text) => [...text].join('\0'),
    'a pattern': (text) => text.replaceAll(/[^a-zA-Z0-9]/g, '\\$&'),
    SQL: (text) => `'${text.replaceAll("'", "''")}'`,
    CSV: (text) => `"${text.replaceAll('"', '""')}"`,
  };
  for (const [as, write] of Object.entries(written))
    for (const one of [secret, token]) {
      const clean = redactorFor([one])(`before ${write(one)} after`, true);
      assert.match(clean, /^before .*\[secret withheld\].* after$/s, `${as}: ${clean}`);
    }
  for (const write of [base64, encodeURIComponent, (text: string) => JSON.stringify({ text })]) {
    const clean = redactorFor([secret])(`x ${base64(`{"auth":"${write(`me:${secret}`)}"}`)}`);
    assert.match(clean, /withheld/, 'encoded twice');
  }
});

test('parts that are secrets of their own are withheld', () => {
  const lines = ['Ab9Zq+MIIEow0', 'IBAAKCAQEA7yn'].map((line) => line.repeat(4));
  const pem = ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
  const redact = redactorFor([pem]);
  for (const text of [pem.replaceAll('\n', '\r\n'), pem.replaceAll('\n', ' '), lines[1] ?? '']) {
    const clean = redact(`at ${text}`, true);
    assert.ok(!lines.some((line) => clean.includes(line)), clean);
  }
  assert.equal(redact('-----BEGIN PRIVATE KEY-----', true), '-----BEGIN PRIVATE KEY-----');
  const pair = redactorFor([Buffer.from('billing:correct horse battery').toString('base64')]);
  assert.equal(pair('user billing, correct horse battery'), 'user billing, [secret withheld]');
  const address = redactorFor(['postgres://app:p%40ss-w0rd-of-app@db.example:5432/app']);
  assert.equal(address('p%40ss-w0rd-of-app or p@ss-w0rd-of-app'), `${MARK} or ${MARK}`);
  assert.equal(address('db.example:5432/app'), 'db.example:5432/app');
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
  const page = '<p title="AT&amp;T &#8212; x\\ny">a%20b</p>\n'.repeat(3);
  assert.equal(redactorFor([SECRET])(page, true), page, 'what was written for a purpose stays so');
});
