/** What is believed of a server and its authorization server, and what is refused. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { openAuthority } from './testing/authority.ts';
import { failsWith, openScene, REDIRECT, type Scene } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

test('a missing scope is asked for together with what was had, once', async () => {
  await scene.guard({ scope: 'read:tickets' });
  await scene.authorize();
  const mine = await scene.run();
  scene.authority.options.wants = ['write:tickets'];
  await scene.challenged(403, await scene.tokenOf(mine));
  assert.deepEqual((await scene.oauth.standing(scene.connection))?.wanted, ['write:tickets']);
  const url = await scene.authorize();
  assert.equal(url.searchParams.get('scope'), 'read:tickets write:tickets');
  assert.deepEqual(scene.authority.live.get((await scene.tokenOf(mine)).value), [
    'read:tickets',
    'write:tickets',
  ]);
  scene.authority.options.wants = ['write:tickets', 'other'];
  const token = await scene.tokenOf(mine);
  scene.authority.live.set(token.value, ['none']);
  scene.authority.options.wants = ['write:tickets'];
  await scene.challenged(403, token);
  await assert.rejects(scene.authorize(), failsWith('AUTHORIZATION_FAILED', /asked for already/));
});

test('configured scopes are all that is ever asked for', async () => {
  await scene.guard({ scope: 'everything' }, { scopes: ['read:tickets'] });
  assert.equal((await scene.authorize()).searchParams.get('scope'), 'read:tickets');
  scene.authority.options.wants = ['admin'];
  await scene.challenged(403, await scene.tokenOf(await scene.run()));
  await assert.rejects(scene.authorize(), failsWith('AUTHORIZATION_FAILED', /oauth\.scopes/));
});

test('`offline_access` is asked for only where it is known', async () => {
  await scene.guard({ scope: 'read', metadata: { scopes_supported: ['read', 'offline_access'] } });
  const url = await scene.authorize();
  assert.equal(url.searchParams.get('scope'), 'read offline_access');
  assert.equal(url.searchParams.get('prompt'), 'consent');
});

test('another authorization server gets a client of its own and nothing of the old one', async () => {
  await scene.guard();
  await scene.authorize();
  const moved = await openAuthority({ resource: false });
  scene.others.push(moved);
  scene.authority.options.issuer = moved.origin;
  const mine = await scene.run();
  const token = await scene.tokenOf(mine);
  scene.authority.live.delete(token.value);
  await scene.challenged(401, token);
  await assert.rejects(scene.tokenOf(mine), failsWith('AUTHORIZATION_NEEDED', /no longer/));
  assert.equal(moved.count('/token'), 0);
  await scene.authorize();
  assert.equal(moved.count('/register'), 1);
  assert.equal(moved.count('/token'), 1);
  assert.doesNotMatch(moved.seen.map(({ body }) => body).join('\n'), /client-1\b.*refresh_token/);
});

test('metadata of another resource, another issuer, or without PKCE is refused', async () => {
  await scene.guard({ resource: { resource: 'https://elsewhere.example/mcp' } });
  const refused = (text: RegExp) =>
    assert.rejects(scene.authorize(), failsWith('AUTHORIZATION_FAILED', text));
  await refused(/another resource/);
  scene.authority.options.resource = { resource: `${scene.authority.origin}/mc` };
  await refused(/another resource/);
  scene.authority.options.resource = { authorization_servers: [] };
  await refused(/names no authorization server/);
  scene.authority.options.resource = {};
  scene.authority.options.metadata = { issuer: 'https://elsewhere.example' };
  await refused(/metadata of .* is refused/);
  scene.authority.options.metadata = { code_challenge_methods_supported: null };
  await refused(/PKCE/);
  scene.authority.options.metadata = { code_challenge_methods_supported: ['plain'] };
  await refused(/PKCE/);
  scene.authority.options.metadata = { authorization_endpoint: 'javascript:alert(1)' };
  await refused(/endpoint/);
  assert.equal(scene.authority.count('/token'), 0);
});

test('an answer counts once, for ten minutes, with its state and the issuer that it came from', async () => {
  await scene.guard();
  const open = async () => {
    const opening = await scene.oauth.authorize(scene.connection, REDIRECT, 'olga');
    return (await scene.authority.consent(opening?.url ?? '')).searchParams;
  };
  const refused = (answer: URLSearchParams, text: RegExp) =>
    assert.rejects(scene.oauth.complete(answer), failsWith('AUTHORIZATION_FAILED', text));
  const answer = await open();
  await refused(
    new URLSearchParams({ ...Object.fromEntries(answer), state: 'x' }),
    /no authorization/,
  );
  await scene.oauth.complete(answer);
  await refused(answer, /no authorization/);
  const late = await open();
  scene.passed = 601_000;
  await refused(late, /no authorization/);
  scene.passed = 0;
  for (const iss of [null, 'https://elsewhere.example', `${scene.authority.origin}/`]) {
    scene.authority.options.iss = iss;
    await refused(await open(), /iss/);
  }
  const no = await open();
  const said = {
    error: 'access_denied',
    state: no.get('state') ?? '',
    iss: scene.authority.origin,
  };
  await refused(new URLSearchParams(said), /access_denied/);
});

test('a server of before protected resource metadata is its own authorization server', async () => {
  await scene.guard({ resource: false, named: false });
  await scene.authorize();
  assert.ok(scene.isAlive(await scene.tokenOf(await scene.run())));
});

for (const method of ['client_secret_basic', 'client_secret_post', 'none'] as const)
  test(`the client proves itself by ${method} where that is what the server takes`, async () => {
    await scene.guard({ method });
    await scene.authorize();
    assert.ok(scene.isAlive(await scene.tokenOf(await scene.run())));
  });

test('a configured client is used as it is, and a document where the server takes one', async () => {
  await scene.guard(
    { method: 'client_secret_basic' },
    { clientId: 'ours', clientSecret: 'their-secret' },
  );
  await scene.secrets.put('their-secret', 'a configured secret', 'olga');
  assert.equal((await scene.authorize()).searchParams.get('client_id'), 'ours');
  assert.equal(scene.authority.count('/register'), 0);
  const document = 'https://inside.example/signalbox.json';
  scene.connection = scene.connectionTo(scene.authority.server, {
    clientMetadataUrl: document,
  });
  scene.authority.options.metadata = { client_id_metadata_document_supported: true };
  scene.authority.options.method = 'none';
  assert.equal((await scene.authorize()).searchParams.get('client_id'), document);
  assert.equal(scene.authority.count('/register'), 0);
});

test('private addresses and plain http are for connections that say so', async () => {
  await scene.guard();
  scene.connection = {
    ...scene.connection,
    settings: { ...scene.connection.settings, allowPrivate: false },
  };
  await assert.rejects(
    scene.oauth.authorize(scene.connection, REDIRECT, 'olga'),
    failsWith('EGRESS_REFUSED', /not https/),
  );
  assert.equal(scene.authority.seen.length, 0);
});
