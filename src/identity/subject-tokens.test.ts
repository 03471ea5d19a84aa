/** Tokens of an identity provider: a real one for the test, that publishes keys over HTTP and may be away. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { EMPTY_BUNDLE } from '../domain/bundle.ts';
import type { SubjectTokenRules } from '../domain/subject-token.ts';
import { KeySets } from './key-sets.ts';
import { createSubjectTokens } from './subject-tokens.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const ISSUER = 'https://login.acme.example';

const pair = () => generateKeyPair('ES256', { extractable: true });
const first = await pair();
const second = await pair();
const stranger = await pair();
const publishedAs = async ({ publicKey }: typeof first, kid: string): Promise<JWK> => ({
  ...(await exportJWK(publicKey)),
  ...{ kid, alg: 'ES256', use: 'sig' },
});

let published: JWK[] = [];
let reads = 0;
let away = false;
const provider = createServer((_request, response) => {
  reads += 1;
  if (away) response.writeHead(503).end();
  else response.end(JSON.stringify({ keys: published }));
});
let jwks = '';
before(async () => {
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  jwks = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`;
});
after(() => provider.close());

async function scene() {
  const time = { now: NOW };
  const clock = { now: () => time.now, monotonic: () => time.now };
  const read = async (url: string): Promise<string> => {
    const answer = await fetch(url);
    if (answer.status !== 200) throw new Error('away');
    return answer.text();
  };
  published = [await publishedAs(first, 'one')];
  away = false;
  reads = 0;
  const tokens = createSubjectTokens(new KeySets(read, clock), clock);
  const rules = (audience: string): SubjectTokenRules => ({
    ...{ issuer: ISSUER, jwks, audience, algorithms: ['ES256', 'RS256'], claim: 'sub' },
    ...{ skewSeconds: 60, maxAgeSeconds: 3_600, allowPrivate: true, required: true },
  });
  const agent = (name: string) => ({ name, owner: 'olga', subjectToken: rules(name) });
  const bundle = {
    ...EMPTY_BUNDLE,
    agents: {
      helpdesk: agent('helpdesk'),
      other: agent('other'),
      mail: { ...agent('mail'), subjectToken: { ...rules('mail'), claim: 'email' } },
      plain: { name: 'plain', owner: 'olga' },
    },
  };
  const proven = (token: string, who = 'helpdesk') => tokens.proven(token, who, bundle);
  const refused = (token: string, why: RegExp, who = 'helpdesk') =>
    assert.rejects(proven(token, who), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'SUBJECT_TOKEN', error.stack);
      assert.match(error.message, why);
      assert.equal(token.length > 20 && error.message.includes(token.slice(-20)), false);
      return true;
    });
  return { time, proven, refused };
}

interface Made {
  readonly key?: typeof first.privateKey;
  readonly kid?: string;
  readonly claims?: { readonly [claim: string]: unknown };
}

function tokenOf({ key = first.privateKey, kid = 'one', claims = {} }: Made = {}) {
  const now = NOW / 1_000;
  const usual = { iss: ISSUER, aud: 'helpdesk', sub: 'dana', iat: now, exp: now + 300 };
  const said = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
  return new SignJWT(Object.fromEntries(said)).setProtectedHeader({ alg: 'ES256', kid }).sign(key);
}

const coded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url');

test('a token of the issuer for this agent proves its user', async () => {
  const { proven } = await scene();
  assert.deepEqual(await proven(await tokenOf()), { user: 'dana', issuer: ISSUER });
  const claims = { aud: ['mail'], email: 'Dana@Acme.example', email_verified: true };
  assert.equal((await proven(await tokenOf({ claims }), 'mail')).user, 'dana@acme.example');
  assert.equal(reads, 1, 'keys are read once');
});

test('what claims something else proves nothing', async () => {
  const { refused } = await scene();
  const now = NOW / 1_000;
  const cases: [{ readonly [claim: string]: unknown }, RegExp][] = [
    [{ iss: 'https://login.evil.example' }, /its `iss`/],
    [{ aud: 'elsewhere' }, /its `aud`/],
    [{ aud: undefined }, /its `aud`/],
    [{ aud: ['helpdesk', 'elsewhere'] }, /for others too/],
    [{ exp: now - 61 }, /it is over/],
    [{ exp: undefined }, /its `exp`/],
    [{ iat: undefined }, /its `iat`/],
    [{ iat: now - 3_700, exp: now + 300 }, /it is over, or too old/],
    [{ nbf: now + 61 }, /its `nbf`/],
    [{ sub: undefined }, /its `sub`/],
    [{ sub: 7 }, /names no user/],
    [{ sub: 'x'.repeat(128) }, /names no user/],
  ];
  for (const [claims, why] of cases) await refused(await tokenOf({ claims }), why);
  const unverified = { aud: 'mail', email: 'dana@acme.example' };
  await refused(await tokenOf({ claims: unverified }), /not verified/, 'mail');
});

test('a clock may be off by what is allowed, and no more', async () => {
  const { proven } = await scene();
  const now = NOW / 1_000;
  await proven(await tokenOf({ claims: { exp: now - 59 } }));
  await proven(await tokenOf({ claims: { nbf: now + 59 } }));
});

test('the token of another agent is nothing here, nor is any to an agent without an issuer', async () => {
  const { proven, refused } = await scene();
  const token = await tokenOf();
  await proven(token);
  await refused(token, /its `aud`/, 'other');
  await refused(token, /prove nothing to agent `plain`/, 'plain');
  await refused(token, /prove nothing to agent `nobody`/, 'nobody');
});

test('no algorithm `none`, no shared secret, no key that the token brings, no other key', async () => {
  const { refused } = await scene();
  const [, payload = '', signature = ''] = (await tokenOf()).split('.');
  await refused(`${coded({ alg: 'none' })}.${payload}.`, /algorithm|no token/);
  await refused(`${coded({ alg: 'none', kid: 'one' })}.${payload}.${signature}`, /algorithm/);
  const secret = await exportSPKI(first.publicKey);
  const head = `${coded({ alg: 'HS256', kid: 'one' })}.${payload}`;
  const mac = createHmac('sha256', secret).update(head).digest('base64url');
  await refused(`${head}.${mac}`, /algorithm/);
  const own = { alg: 'ES256', jwk: await exportJWK(stranger.publicKey), kid: 'one' };
  const brought = await new SignJWT({ sub: 'dana' })
    .setProtectedHeader(own)
    .setIssuer(ISSUER)
    .setAudience('helpdesk')
    .setIssuedAt(NOW / 1_000)
    .setExpirationTime(NOW / 1_000 + 300)
    .sign(stranger.privateKey);
  await refused(brought, /no token that its issuer signed/);
  await refused(await tokenOf({ key: stranger.privateKey }), /no token that its issuer signed/);
  await refused(`${(await tokenOf()).slice(0, -4)}AAAA`, /no token that its issuer signed/);
  for (const text of ['', 'x', 'a.b.c', 'x'.repeat(20_000)]) await refused(text, /refused/);
});

test('a published secret is no key', async () => {
  const { refused } = await scene();
  published = [{ kty: 'oct', k: Buffer.from('secret').toString('base64url'), kid: 'one' }];
  await refused(await tokenOf(), /does not publish/);
});

test('new keys are found when they are missed, and not oftener than every half minute', async () => {
  const { time, proven, refused } = await scene();
  await proven(await tokenOf());
  published = [await publishedAs(second, 'two')];
  const token = await tokenOf({ key: second.privateKey, kid: 'two' });
  await refused(token, /does not publish/);
  assert.equal(reads, 1);
  time.now += 31_000;
  await proven(token);
  assert.equal(reads, 2);
  for (let i = 0; i < 20; i += 1)
    await refused(await tokenOf({ kid: `x${i}` }), /does not publish/);
  assert.equal(reads, 2);
  await refused(await tokenOf(), /does not publish/);
});

test('an issuer that is away proves nothing, and is asked again', async () => {
  const { time, proven, refused } = await scene();
  away = true;
  await refused(await tokenOf(), /keys of its issuer cannot be read/);
  away = false;
  await proven(await tokenOf());
  away = true;
  time.now += 60_000;
  await proven(await tokenOf());
  time.now += 10 * 60_000;
  await refused(await tokenOf({ claims: { exp: NOW / 1_000 + 3_000 } }), /cannot be read/);
});
