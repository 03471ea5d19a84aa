/** Signalbox as OAuth client, against a real authorization server, on the real store. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import type { Credential } from '../../domain/credential.ts';
import type { Doors } from '../../domain/doors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Run } from '../../domain/run.ts';
import type { Store } from '../../domain/store.ts';
import { realDoors } from '../../doors.ts';
import { openSqliteStore } from '../../store/sqlite/store.ts';
import { Leases } from '../leases.ts';
import { createSecrets, type Secrets } from '../secrets.ts';
import { type Authority, type AuthorityOptions, openAuthority } from './testing/authority.ts';
import { createUpstreamOAuth, type UpstreamOAuth } from './upstream.ts';

const REDIRECT = 'http://127.0.0.1:7411/oauth/callback';
const MASTER = Buffer.alloc(32, 5);

let directory = '';
let store: Store;
let secrets: Secrets;
let oauth: UpstreamOAuth;
let leases: Leases;
let authority: Authority;
let connection: Connection;
let passed = 0;
const others: Authority[] = [];

const doors: Doors = (() => {
  const real = realDoors();
  const clock = { now: () => Date.now() + passed, monotonic: real.clock.monotonic };
  return { ...real, clock };
})();

beforeEach(async () => {
  passed = 0;
  directory = await mkdtemp(join(tmpdir(), 'signalbox-oauth-'));
  store = await openSqliteStore({ directory, masterKey: MASTER, doors });
  secrets = createSecrets({ store, masterKey: MASTER, doors });
  wake();
});
afterEach(async () => {
  leases.close();
  await oauth.close();
  await store.close();
  for (const one of [authority, ...others.splice(0)]) await one.close();
  await rm(directory, { recursive: true });
});

/** As after a start of the process: nothing is known but what the store holds. */
function wake(): void {
  oauth = createUpstreamOAuth({ secrets, store, doors });
  const issuers = [oauth.issuer];
  leases = new Leases({ store, issuers, connection: async () => connection, doors, log: () => {} });
}
async function guard(options: AuthorityOptions = {}, more: JsonObject = {}): Promise<void> {
  authority = await openAuthority(options);
  connection = connectionTo(authority.server, more);
}
function connectionTo(url: string, oauthSettings: JsonObject = {}): Connection {
  const settings = { transport: 'http', url, allowPrivate: true, oauth: oauthSettings };
  return { name: 'tickets', kind: 'mcp', environment: 'test', settings, issuer: 'oauth' };
}
async function authorize(): Promise<URL> {
  const opening = await oauth.authorize(connection, REDIRECT, 'olga');
  assert.ok(opening !== null);
  const back = await authority.consent(opening.url);
  await oauth.finish(back.searchParams);
  return new URL(opening.url);
}
let runs = 0;
async function run(): Promise<Run> {
  const id = `run_oauth_${++runs}`;
  const at = doors.clock.now();
  const begun: Run = {
    ...{ id, root: id, parent: null, depth: 0, agent: 'coder', intent: 'test', state: 'live' },
    ...{ startedAt: at, expiresAt: at + 8 * 3_600_000, endedAt: null, budget: {} },
  };
  await store.commit({ kind: 'run.begin', run: begun, at });
  return begun;
}
async function tokenOf(of: Run): Promise<Extract<Credential, { kind: 'secret' }>> {
  const credential = await leases.obtain(of, connection);
  assert.equal(credential?.kind, 'secret');
  return credential as Extract<Credential, { kind: 'secret' }>;
}
const isAlive = (credential: { readonly value: string }) => authority.live.has(credential.value);
const failsWith = (code: string, text: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  assert.match(error.message, text);
  return true;
};
async function challenged(status: number, credential: { value: string; leaseId: string }) {
  const answer = await fetch(authority.server, {
    method: 'POST',
    headers: { authorization: `Bearer ${credential.value}` },
  });
  assert.equal(answer.status, status);
  const { leaseId } = credential;
  const header = answer.headers.get('www-authenticate');
  await oauth.challenged(connection, { status, header, leaseId });
}

test('without authorization a call fails with the command to run, and nothing is asked anywhere', async () => {
  await guard();
  await assert.rejects(
    tokenOf(await run()),
    failsWith('AUTHORIZATION_NEEDED', /signalbox connection authorize tickets/),
  );
  assert.equal(authority.seen.length, 0);
  assert.deepEqual(await store.leases({}), []);
});

test('a human authorizes; each run gets a token of its own, asked for the published resource', async () => {
  await guard({ scope: 'read:tickets' });
  const url = await authorize();
  assert.equal(url.searchParams.get('resource'), authority.server);
  assert.equal(url.searchParams.get('scope'), 'read:tickets');
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256');
  const [one, two] = [await tokenOf(await run()), await tokenOf(await run())];
  assert.notEqual(one.value, two.value);
  assert.ok(isAlive(one) && isAlive(two));
});

test('ending a run ends its token at the server and no other; after a crash too', async () => {
  await guard();
  await authorize();
  const [mine, other] = [await run(), await run()];
  const [one, two] = [await tokenOf(mine), await tokenOf(other)];
  wake();
  const [report] = await leases.revoke(({ runId }) => runId === mine.id);
  assert.deepEqual([report?.dead, report?.lease.revocability], [true, 'bounded']);
  assert.ok(!isAlive(one) && isAlive(two));
});

test('a token that its resource still takes is not called dead', async () => {
  await guard({ ignoresRevocation: true, expiresIn: 600 });
  await authorize();
  const mine = await run();
  const { leaseId } = await tokenOf(mine);
  const [lease] = await store.leases({ runId: mine.id });
  assert.equal(lease?.id, leaseId);
  await oauth.issuer.revoke(lease, connection);
  assert.equal(await oauth.issuer.verifyDead(lease, connection), false);
  passed = 700_000;
  assert.equal(await oauth.issuer.verifyDead(lease, connection), true);
});

test('a server that cannot end tokens gives one for all, and the lease says so', async () => {
  await guard({ metadata: { revocation_endpoint: null } });
  await authorize();
  const mine = await run();
  assert.equal((await tokenOf(mine)).value, (await tokenOf(await run())).value);
  const [report] = await leases.revoke(({ runId }) => runId === mine.id);
  assert.deepEqual([report?.dead, report?.lease.state], [false, 'residual']);
});

test('tokens and the client survive a restart sealed, and no plain text of them is on the disk', async () => {
  await guard();
  await authorize();
  const before = authority.count('/register');
  wake();
  assert.ok(isAlive(await tokenOf(await run())));
  assert.equal(authority.count('/register'), before);
  const { sealed } = (await store.secret('oauth:tickets')) ?? { sealed: '' };
  assert.ok(sealed.length > 100 && !/token-of-the-test|client-secret/.test(sealed));
  await assert.rejects(
    secrets.reveal('oauth:tickets'),
    failsWith('SECRET_MISSING', /oauth:tickets/),
  );
  await assert.rejects(secrets.put('oauth:tickets', 'x', 'olga'));
});

test('a token is refreshed before it expires', async () => {
  await guard({ expiresIn: 300, metadata: { revocation_endpoint: null } });
  await authorize();
  const mine = await run();
  const first = await tokenOf(mine);
  passed = 200_000;
  assert.equal((await tokenOf(mine)).value, first.value);
  passed = 250_000;
  const second = await tokenOf(mine);
  assert.notEqual(second.value, first.value);
  assert.ok(isAlive(second));
});

test('a refused token is replaced; three in a row and only a human goes on', async () => {
  await guard();
  await authorize();
  const mine = await run();
  for (let round = 0; round < 3; round++) {
    const token = await tokenOf(mine);
    authority.live.delete(token.value);
    await challenged(401, token);
  }
  await assert.rejects(
    tokenOf(mine),
    failsWith('AUTHORIZATION_NEEDED', /one new token after the other/),
  );
  await authorize();
  assert.ok(isAlive(await tokenOf(mine)));
});

test('a server that ends the older token with each new one is seen, and all share one', async () => {
  await guard({ onlyNewest: true });
  await authorize();
  const [mine, other] = [await run(), await run()];
  const older = await tokenOf(mine);
  const newer = await tokenOf(other);
  assert.ok(!isAlive(older) && isAlive(newer));
  await challenged(401, older);
  const [shared, third] = [await tokenOf(mine), await tokenOf(await run())];
  assert.equal(shared.value, third.value);
  assert.ok(isAlive(shared));
});

test('a server that ends a whole grant with one token is left alone the next time', async () => {
  await guard({ coarse: true });
  await authorize();
  const mine = await run();
  await tokenOf(mine);
  const [report] = await leases.revoke(({ runId }) => runId === mine.id);
  assert.equal(report?.dead, true);
  await assert.rejects(tokenOf(await run()), failsWith('AUTHORIZATION_NEEDED', /invalid_grant/));
  await authorize();
  const other = await run();
  const token = await tokenOf(other);
  const [second] = await leases.revoke(({ runId }) => runId === other.id);
  assert.equal(second?.lease.state, 'residual');
  assert.ok(isAlive(token) && isAlive(await tokenOf(await run())));
});

test('a refresh token that is over asks for a human, and is not tried again', async () => {
  await guard();
  await authorize();
  await oauth.forget(connection, 'olga');
  await authorize();
  const { grant } = JSON.parse((await secrets.kept('oauth:tickets')) ?? '{}');
  await fetch(`${authority.origin}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: grant.refresh }),
  });
  await assert.rejects(tokenOf(await run()), failsWith('AUTHORIZATION_NEEDED', /invalid_grant/));
  const asked = authority.count('/token');
  await assert.rejects(oauth.reveal({ ...connection, settings: { ...connection.settings } }));
  assert.equal((await oauth.standing(connection))?.renews, false);
  assert.ok(authority.count('/token') <= asked + 1);
});

test('a missing scope is asked for together with what was had, once', async () => {
  await guard({ scope: 'read:tickets' });
  await authorize();
  const mine = await run();
  authority.options.wants = ['write:tickets'];
  await challenged(403, await tokenOf(mine));
  assert.deepEqual((await oauth.standing(connection))?.wanted, ['write:tickets']);
  const url = await authorize();
  assert.equal(url.searchParams.get('scope'), 'read:tickets write:tickets');
  assert.ok(isAlive(await tokenOf(await run())));
  authority.options.wants = ['write:tickets', 'other'];
  const token = await tokenOf(mine);
  authority.live.set(token.value, ['none']);
  authority.options.wants = ['write:tickets'];
  await challenged(403, token);
  await assert.rejects(authorize(), failsWith('AUTHORIZATION_FAILED', /asked for already/));
});

test('configured scopes are all that is ever asked for', async () => {
  await guard({ scope: 'everything' }, { scopes: ['read:tickets'] });
  assert.equal((await authorize()).searchParams.get('scope'), 'read:tickets');
  authority.options.wants = ['admin'];
  await challenged(403, await tokenOf(await run()));
  await assert.rejects(authorize(), failsWith('AUTHORIZATION_FAILED', /oauth\.scopes/));
});

test('`offline_access` is asked for only where it is known', async () => {
  await guard({ scope: 'read', metadata: { scopes_supported: ['read', 'offline_access'] } });
  const url = await authorize();
  assert.equal(url.searchParams.get('scope'), 'read offline_access');
  assert.equal(url.searchParams.get('prompt'), 'consent');
});

test('another authorization server gets a client of its own and nothing of the old one', async () => {
  await guard();
  await authorize();
  const moved = await openAuthority({ resource: false });
  others.push(moved);
  authority.options.issuer = moved.origin;
  const mine = await run();
  const token = await tokenOf(mine);
  authority.live.delete(token.value);
  await challenged(401, token);
  await assert.rejects(tokenOf(mine), failsWith('AUTHORIZATION_NEEDED', /no longer/));
  assert.equal(moved.count('/token'), 0);
  await authorize();
  assert.equal(moved.count('/register'), 1);
  assert.equal(moved.count('/token'), 1);
  assert.doesNotMatch(moved.seen.map(({ body }) => body).join('\n'), /client-1\b.*refresh_token/);
});

test('metadata of another resource, another issuer, or without PKCE is refused', async () => {
  await guard({ resource: { resource: 'https://elsewhere.example/mcp' } });
  const refused = (text: RegExp) =>
    assert.rejects(authorize(), failsWith('AUTHORIZATION_FAILED', text));
  await refused(/another resource/);
  authority.options.resource = { resource: `${authority.origin}/mc` };
  await refused(/another resource/);
  authority.options.resource = { authorization_servers: [] };
  await refused(/names no authorization server/);
  authority.options.resource = {};
  authority.options.metadata = { issuer: 'https://elsewhere.example' };
  await refused(/metadata of .* is refused/);
  authority.options.metadata = { code_challenge_methods_supported: null };
  await refused(/PKCE/);
  authority.options.metadata = { code_challenge_methods_supported: ['plain'] };
  await refused(/PKCE/);
  authority.options.metadata = { authorization_endpoint: 'javascript:alert(1)' };
  await refused(/endpoint/);
  assert.equal(authority.count('/token'), 0);
});

test('an answer counts once, for ten minutes, with its state and the issuer that it came from', async () => {
  await guard();
  const open = async () => {
    const opening = await oauth.authorize(connection, REDIRECT, 'olga');
    return (await authority.consent(opening?.url ?? '')).searchParams;
  };
  const refused = (answer: URLSearchParams, text: RegExp) =>
    assert.rejects(oauth.finish(answer), failsWith('AUTHORIZATION_FAILED', text));
  const answer = await open();
  await refused(
    new URLSearchParams({ ...Object.fromEntries(answer), state: 'x' }),
    /no authorization/,
  );
  await oauth.finish(answer);
  await refused(answer, /no authorization/);
  const late = await open();
  passed = 601_000;
  await refused(late, /no authorization/);
  passed = 0;
  for (const iss of [null, 'https://elsewhere.example', `${authority.origin}/`]) {
    authority.options.iss = iss;
    await refused(await open(), /iss/);
  }
  const no = await open();
  const said = { error: 'access_denied', state: no.get('state') ?? '', iss: authority.origin };
  await refused(new URLSearchParams(said), /access_denied/);
});

test('a server of before protected resource metadata is its own authorization server', async () => {
  await guard({ resource: false, named: false });
  await authorize();
  assert.ok(isAlive(await tokenOf(await run())));
});

for (const method of ['client_secret_basic', 'client_secret_post', 'none'] as const)
  test(`the client proves itself by ${method} where that is what the server takes`, async () => {
    await guard({ method });
    await authorize();
    assert.ok(isAlive(await tokenOf(await run())));
  });

test('a configured client is used as it is, and a document where the server takes one', async () => {
  await guard(
    { method: 'client_secret_basic' },
    { clientId: 'ours', clientSecret: 'their-secret' },
  );
  await secrets.put('their-secret', 'a configured secret', 'olga');
  assert.equal((await authorize()).searchParams.get('client_id'), 'ours');
  assert.equal(authority.count('/register'), 0);
  const document = 'https://inside.example/signalbox.json';
  connection = connectionTo(authority.server, { clientMetadataUrl: document });
  authority.options.metadata = { client_id_metadata_document_supported: true };
  authority.options.method = 'none';
  assert.equal((await authorize()).searchParams.get('client_id'), document);
  assert.equal(authority.count('/register'), 0);
});

test('client credentials need no human', async () => {
  await guard({}, { grant: 'client_credentials', clientId: 'ours', clientSecret: 'their-secret' });
  await secrets.put('their-secret', 'a configured secret', 'olga');
  const mine = await run();
  const token = await tokenOf(mine);
  assert.ok(isAlive(token));
  assert.equal(authority.count('/authorize'), 0);
  await leases.revoke(({ runId }) => runId === mine.id);
  assert.ok(!isAlive(token));
});

test('private addresses and plain http are for connections that say so', async () => {
  await guard();
  connection = { ...connection, settings: { ...connection.settings, allowPrivate: false } };
  await assert.rejects(
    oauth.authorize(connection, REDIRECT, 'olga'),
    failsWith('EGRESS_REFUSED', /not https/),
  );
  assert.equal(authority.seen.length, 0);
});

test('forgetting ends the grant at its server', async () => {
  await guard();
  await authorize();
  const token = await oauth.reveal(connection);
  assert.deepEqual(await oauth.forget(connection, 'olga'), { revoked: true });
  assert.ok(!authority.live.has(token));
  assert.equal((await oauth.standing(connection))?.state, 'needed');
});

test('the system chain names the connection, the server and the scopes, and holds no token', async () => {
  await guard({ scope: 'read:tickets' });
  await authorize();
  await tokenOf(await run());
  const told = (await store.timeline('system')).map(({ body }) => body).join('\n');
  assert.match(told, /connection\.authorized/);
  assert.match(told, /read:tickets/);
  assert.doesNotMatch(told, /token-of-the-test|client-secret|code-\d/);
});
