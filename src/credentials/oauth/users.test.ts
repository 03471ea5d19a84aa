/** Grants of users: each user's own, used for the runs on its behalf and for nothing else, ended with them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import type { Run } from '../../domain/run.ts';
import { openDesk } from '../testing/desk.ts';
import { openAuthority } from './testing/authority.ts';

const REDIRECT = 'http://127.0.0.1:7411/oauth/callback';

async function scene(t: TestContext) {
  const authority = await openAuthority({ expiresIn: 3_600, method: 'none' });
  const { origin } = authority;
  const connection: Connection = {
    name: 'mail',
    kind: 'http',
    environment: 'production',
    settings: {
      url: origin,
      allowPrivate: true,
      oauth: {
        grant: 'authorization_code',
        perUser: true,
        issuer: origin,
        resource: `${origin}/`,
        clientId: 'signalbox',
        check: '/mcp',
      },
    },
    issuer: 'oauth',
  };
  const desk = await openDesk(connection);
  t.after(async () => {
    await desk.close();
    await authority.close();
  });
  const authorize = async (user: string): Promise<void> => {
    const opening = await desk.issuers.oauth.authorize(connection, REDIRECT, 'olga', user);
    assert.ok(opening !== null);
    const back = await authority.consent(opening.url);
    await desk.issuers.oauth.complete(back.searchParams);
  };
  const tokenOf = async (run: Run): Promise<string> => {
    const credential = await desk.leases.obtain(run, connection);
    assert.ok(credential?.kind === 'secret');
    return credential.value;
  };
  return { authority, desk, connection, authorize, tokenOf };
}

test('a run has the grant of the user on whose behalf it is, and no other', async (t) => {
  const { authority, desk, authorize, tokenOf } = await scene(t);
  await authorize('dana@acme.example');
  const forDana = await desk.run('coder', 'dana@acme.example');
  const token = await tokenOf(forDana);
  assert.ok(authority.live.has(token));
  await assert.rejects(
    tokenOf(await desk.run('coder', 'eve')),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'AUTHORIZATION_NEEDED');
      assert.match(
        error.message,
        /not authorized at its server by `eve`: .* authorize mail --user eve`/,
      );
      return true;
    },
  );
  await assert.rejects(tokenOf(await desk.run('coder')), {
    code: 'AUTHORIZATION_NEEDED',
    message: /each user authorizes `mail`, and this is on behalf of none/,
  });
  await authorize('eve');
  const other = await tokenOf(await desk.run('coder', 'eve'));
  assert.notEqual(other, token);
  const [report] = await desk.leases.revoke(({ runId }) => runId === forDana.id);
  assert.equal(report?.dead, true);
  assert.deepEqual([authority.live.has(token), authority.live.has(other)], [false, true]);
});

test('after a start a lease still knows whose it was, and the grant lies sealed', async (t) => {
  const { authority, desk, connection, authorize, tokenOf } = await scene(t);
  await authorize('dana');
  const token = await tokenOf(await desk.run('coder', 'dana'));
  await desk.wake();
  assert.equal(await desk.leases.sweep(), 1);
  assert.equal(authority.live.has(token), false);
  assert.ok(authority.live.has(await tokenOf(await desk.run('coder', 'dana'))), 'refreshed');
  const names = (await desk.secrets.names()).map(({ name }) => name);
  assert.ok(
    names.every((name) => !name.includes('dana')),
    names.join(),
  );
  await desk.issuers.oauth.forget(connection, 'olga', 'dana');
  await assert.rejects(tokenOf(await desk.run('coder', 'dana')), { code: 'AUTHORIZATION_NEEDED' });
});
