/** The tokens of a connection and their end, against a real authorization server, on the real store. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { failsWith, openScene, type Scene } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

test('without authorization a call fails with the command to run, and nothing is asked anywhere', async () => {
  await scene.guard();
  await assert.rejects(
    scene.tokenOf(await scene.run()),
    failsWith('AUTHORIZATION_NEEDED', /signalbox connection authorize tickets/),
  );
  assert.equal(scene.authority.seen.length, 0);
  assert.deepEqual(await scene.store.leases({}), []);
});

test('a human authorizes; each run gets a token of its own, asked for the published resource', async () => {
  await scene.guard({ scope: 'read:tickets' });
  const url = await scene.authorize();
  assert.equal(url.searchParams.get('resource'), scene.authority.server);
  assert.equal(url.searchParams.get('scope'), 'read:tickets');
  assert.equal(url.searchParams.get('code_challenge_method'), 'S256');
  const [one, two] = [
    await scene.tokenOf(await scene.run()),
    await scene.tokenOf(await scene.run()),
  ];
  assert.notEqual(one.value, two.value);
  assert.ok(scene.isAlive(one) && scene.isAlive(two));
});

test('ending a run ends its token at the server and no other; after a crash too', async () => {
  await scene.guard();
  await scene.authorize();
  const [mine, other] = [await scene.run(), await scene.run()];
  const [one, two] = [await scene.tokenOf(mine), await scene.tokenOf(other)];
  scene.wake();
  const [report] = await scene.leases.revoke(({ runId }) => runId === mine.id);
  assert.deepEqual([report?.dead, report?.lease.revocability], [true, 'bounded']);
  assert.ok(!scene.isAlive(one) && scene.isAlive(two));
});

test('a token that its resource still takes is not called dead', async () => {
  await scene.guard({ ignoresRevocation: true, expiresIn: 600 });
  await scene.authorize();
  const mine = await scene.run();
  const { leaseId } = await scene.tokenOf(mine);
  const [lease] = await scene.store.leases({ runId: mine.id });
  assert.equal(lease?.id, leaseId);
  await scene.oauth.issuer.revoke(lease, scene.connection);
  assert.equal(await scene.oauth.issuer.verifyDead(lease, scene.connection), false);
  scene.passed = 700_000;
  assert.equal(await scene.oauth.issuer.verifyDead(lease, scene.connection), true);
});

test('a server that cannot end tokens gives one for all, and the lease says so', async () => {
  await scene.guard({ metadata: { revocation_endpoint: null } });
  await scene.authorize();
  const mine = await scene.run();
  assert.equal((await scene.tokenOf(mine)).value, (await scene.tokenOf(await scene.run())).value);
  const [report] = await scene.leases.revoke(({ runId }) => runId === mine.id);
  assert.deepEqual([report?.dead, report?.lease.state], [false, 'residual']);
});

test('tokens and the client survive a restart sealed, and no plain text of them is on the disk', async () => {
  await scene.guard();
  await scene.authorize();
  const before = scene.authority.count('/register');
  scene.wake();
  assert.ok(scene.isAlive(await scene.tokenOf(await scene.run())));
  assert.equal(scene.authority.count('/register'), before);
  const { sealed } = (await scene.store.secret('oauth:tickets')) ?? { sealed: '' };
  assert.ok(sealed.length > 100 && !/token-of-the-test|client-secret/.test(sealed));
  await assert.rejects(
    scene.secrets.reveal('oauth:tickets'),
    failsWith('SECRET_MISSING', /oauth:tickets/),
  );
  await assert.rejects(scene.secrets.put('oauth:tickets', 'x', 'olga'));
});

test('a token is refreshed before it expires', async () => {
  await scene.guard({ expiresIn: 300, metadata: { revocation_endpoint: null } });
  await scene.authorize();
  const mine = await scene.run();
  const first = await scene.tokenOf(mine);
  scene.passed = 200_000;
  assert.equal((await scene.tokenOf(mine)).value, first.value);
  scene.passed = 250_000;
  const second = await scene.tokenOf(mine);
  assert.notEqual(second.value, first.value);
  assert.ok(scene.isAlive(second));
});

test('a refused token is replaced; three in a row and only a human goes on', async () => {
  await scene.guard();
  await scene.authorize();
  const mine = await scene.run();
  for (let round = 0; round < 3; round++) {
    const token = await scene.tokenOf(mine);
    scene.authority.live.delete(token.value);
    await scene.challenged(401, token);
  }
  await assert.rejects(
    scene.tokenOf(mine),
    failsWith('AUTHORIZATION_NEEDED', /one new token after the other/),
  );
  await scene.authorize();
  assert.ok(scene.isAlive(await scene.tokenOf(mine)));
});

test('a server that ends the older token with each new one is seen, and all share one', async () => {
  await scene.guard({ onlyNewest: true });
  await scene.authorize();
  const [mine, other] = [await scene.run(), await scene.run()];
  const older = await scene.tokenOf(mine);
  const newer = await scene.tokenOf(other);
  assert.ok(!scene.isAlive(older) && scene.isAlive(newer));
  await scene.challenged(401, older);
  const [shared, third] = [await scene.tokenOf(mine), await scene.tokenOf(await scene.run())];
  assert.equal(shared.value, third.value);
  assert.ok(scene.isAlive(shared));
});

test('a server that ends a whole grant with one token is left alone the next time', async () => {
  await scene.guard({ coarse: true });
  await scene.authorize();
  const mine = await scene.run();
  await scene.tokenOf(mine);
  const [report] = await scene.leases.revoke(({ runId }) => runId === mine.id);
  assert.equal(report?.dead, true);
  await assert.rejects(
    scene.tokenOf(await scene.run()),
    failsWith('AUTHORIZATION_NEEDED', /invalid_grant/),
  );
  await scene.authorize();
  const other = await scene.run();
  const token = await scene.tokenOf(other);
  const [second] = await scene.leases.revoke(({ runId }) => runId === other.id);
  assert.equal(second?.lease.state, 'residual');
  assert.ok(scene.isAlive(token) && scene.isAlive(await scene.tokenOf(await scene.run())));
});

test('a refresh token that is over asks for a human, and is not tried again', async () => {
  await scene.guard();
  await scene.authorize();
  await scene.oauth.forget(scene.connection, 'olga');
  await scene.authorize();
  const { grant } = JSON.parse((await scene.secrets.kept('oauth:tickets')) ?? '{}');
  await fetch(`${scene.authority.origin}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token: grant.refresh }),
  });
  await assert.rejects(
    scene.tokenOf(await scene.run()),
    failsWith('AUTHORIZATION_NEEDED', /invalid_grant/),
  );
  const asked = scene.authority.count('/token');
  await assert.rejects(
    scene.oauth.reveal({ ...scene.connection, settings: { ...scene.connection.settings } }),
  );
  assert.equal((await scene.oauth.standing(scene.connection))?.renews, false);
  assert.ok(scene.authority.count('/token') <= asked + 1);
});

test('a server that does not know us for a while takes nothing from the grant', async () => {
  await scene.guard({ expiresIn: 300 });
  await scene.authorize();
  scene.passed = 290_000;
  const { options } = scene.authority;
  for (const code of ['invalid_client', 'unauthorized_client']) {
    options.tokenError = () => code;
    await assert.rejects(
      scene.tokenOf(await scene.run()),
      failsWith('AUTHORIZATION_FAILED', new RegExp(code)),
    );
  }
  delete options.tokenError;
  assert.ok(scene.isAlive(await scene.tokenOf(await scene.run())));
  assert.deepEqual(await scene.oauth.forget(scene.connection, 'olga'), { revoked: true });
  assert.equal(scene.authority.refresh.size, 0, 'and it is ended there');
});

test('client credentials need no human', async () => {
  await scene.guard(
    {},
    { grant: 'client_credentials', clientId: 'ours', clientSecret: 'their-secret' },
  );
  await scene.secrets.put('their-secret', 'a configured secret', 'olga');
  const mine = await scene.run();
  const token = await scene.tokenOf(mine);
  assert.ok(scene.isAlive(token));
  assert.equal(scene.authority.count('/authorize'), 0);
  await scene.leases.revoke(({ runId }) => runId === mine.id);
  assert.ok(!scene.isAlive(token));
});

test('forgetting ends the grant at its server', async () => {
  await scene.guard();
  await scene.authorize();
  const token = await scene.oauth.reveal(scene.connection);
  assert.deepEqual(await scene.oauth.forget(scene.connection, 'olga'), { revoked: true });
  assert.ok(!scene.authority.live.has(token));
  assert.equal((await scene.oauth.standing(scene.connection))?.state, 'needed');
});

test('the system chain names the scene.connection, the server and the scopes, and holds no token', async () => {
  await scene.guard({ scope: 'read:tickets' });
  await scene.authorize();
  await scene.tokenOf(await scene.run());
  const told = (await scene.store.timeline('system')).map(({ body }) => body).join('\n');
  assert.match(told, /connection\.authorized/);
  assert.match(told, /read:tickets/);
  assert.doesNotMatch(told, /token-of-the-test|client-secret|code-\d/);
});
