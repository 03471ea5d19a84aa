/** OAuth for HTTP APIs: the authorization server is the one the file names, and tokens end there. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import { openDesk } from '../testing/desk.ts';
import { type AuthorityOptions, openAuthority } from './testing/authority.ts';

async function scene(
  t: TestContext,
  options: AuthorityOptions,
  oauth: (origin: string) => JsonObject,
) {
  const authority = await openAuthority(options);
  const { origin } = authority;
  const connection: Connection = {
    name: 'billing',
    kind: 'http',
    environment: 'production',
    settings: {
      url: origin,
      allowPrivate: true,
      oauth: {
        grant: 'client_credentials',
        clientId: 'signalbox',
        clientSecret: 'billing-client',
        resource: `${origin}/`,
        scopes: ['invoices.read'],
        ...oauth(origin),
      },
    },
    issuer: 'oauth',
  };
  const desk = await openDesk(connection);
  await desk.secrets.put('billing-client', 'a-client-secret', 'test');
  t.after(async () => {
    await desk.close();
    await authority.close();
  });
  const tokenOf = async (): Promise<string> => {
    const credential = await desk.leases.obtain(await desk.run(), connection);
    assert.ok(credential?.kind === 'secret');
    return credential.value;
  };
  return { authority, desk, tokenOf };
}

test('each run has a token by our own credentials, and ending it is proven at the API', async (t) => {
  const { authority, desk, tokenOf } = await scene(t, { expiresIn: 3_600 }, (issuer) => ({
    issuer,
    check: '/mcp',
  }));
  const [one, two] = [await tokenOf(), await tokenOf()];
  assert.notEqual(one, two);
  assert.deepEqual(authority.live.get(one), ['invoices.read']);
  const [report] = await desk.leases.revoke(({ runId }) => runId === 'run_desk_1');
  assert.deepEqual([report?.lease.revocability, report?.dead], ['bounded', true]);
  assert.equal(authority.live.has(one), false);
  assert.equal(authority.live.has(two), true, 'another run goes on');
  assert.equal(authority.count('/mcp'), 1, 'no request but the check was sent to the API');
});

test('endpoints that the file writes out serve without metadata', async (t) => {
  const metadata = { token_endpoint: null, revocation_endpoint: null };
  const { authority, desk, tokenOf } = await scene(t, { metadata }, (origin) => ({
    tokenUrl: `${origin}/token`,
    revocationUrl: `${origin}/revoke`,
    check: '/mcp',
  }));
  const token = await tokenOf();
  assert.equal((await desk.leases.revoke(() => true))[0]?.dead, true);
  assert.equal(authority.live.has(token), false);
  assert.equal(authority.count('/.well-known/oauth-authorization-server'), 0);
});

test('a revocation that nothing can confirm is not believed before the token’s own end', async (t) => {
  const { desk, tokenOf } = await scene(t, { expiresIn: 600 }, (issuer) => ({ issuer }));
  await tokenOf();
  const ending = desk.leases.revoke(() => true);
  await desk.said(/still works there/, 2);
  desk.pass(700_000);
  assert.equal((await ending)[0]?.dead, true);
});

test('introspection is not believed while the API still takes the token', async (t) => {
  const options = { introspects: true, ignoresRevocation: true, expiresIn: 3_600 };
  const { authority, desk, tokenOf } = await scene(t, options, (issuer) => ({
    ...{ issuer, check: '/mcp' },
  }));
  const token = await tokenOf();
  const ending = desk.leases.revoke(() => true);
  await desk.said(/still works there/);
  assert.ok(authority.count('/introspect') > 0);
  authority.live.delete(token);
  assert.equal((await ending)[0]?.dead, true);
});

test('what a server says instead of a token is told only where it is a code', async (t) => {
  const secret = 'a-client-secret';
  const tokenError = (sent: string): string => `${'x'.repeat(90)} ${sent} ${secret}`;
  const { tokenOf } = await scene(t, { tokenError }, (issuer) => ({ issuer }));
  await assert.rejects(tokenOf(), (error: Error) => {
    assert.match(error.message, /gave no token \(`another error`\)/);
    return true;
  });
});

test('a server that cannot end tokens makes residual leases of one shared token', async (t) => {
  const metadata = { revocation_endpoint: null };
  const { desk, tokenOf } = await scene(t, { metadata }, (issuer) => ({ issuer, check: '/mcp' }));
  assert.equal(await tokenOf(), await tokenOf());
  const reports = await desk.leases.revoke(() => true);
  assert.deepEqual(
    reports.map(({ lease: { revocability, state } }) => [revocability, state]),
    [
      ['none', 'residual'],
      ['none', 'residual'],
    ],
  );
});
