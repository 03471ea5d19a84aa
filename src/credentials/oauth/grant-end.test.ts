/** The end of a user's grant: at a real authorization server that counts, whatever it does meanwhile. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import type { Connection } from '../../domain/bundle.ts';
import type { Run } from '../../domain/run.ts';
import { createIssuers, type Issuers } from '../issuers.ts';
import { Leases } from '../leases.ts';
import { openDesk } from '../testing/desk.ts';
import { UserGrants } from '../user-grants.ts';
import { type AuthorityOptions, openAuthority } from './testing/authority.ts';

const REDIRECT = 'http://127.0.0.1:7411/oauth/callback';

async function scene(t: TestContext, options: AuthorityOptions = {}) {
  const authority = await openAuthority({ expiresIn: 3_600, method: 'none', ...options });
  const { origin } = authority;
  const oauth = {
    ...{ grant: 'authorization_code', perUser: true, issuer: origin, resource: `${origin}/` },
    ...{ clientId: 'signalbox', check: '/mcp' },
  };
  const connection: Connection = {
    ...{ name: 'mail', kind: 'http', environment: 'production', issuer: 'oauth' },
    settings: { url: origin, allowPrivate: true, oauth },
  };
  const desk = await openDesk(connection);
  const { store, doors } = desk;
  const open: UserGrants[] = [];
  const grantsOf = ({ oauth: { grants: shelf } }: Issuers): UserGrants => {
    const log = (line: string): void => void desk.logged.push(line);
    const grants = new UserGrants({ shelf, store, doors, log });
    open.push(grants);
    return grants;
  };
  t.after(async () => {
    for (const grants of open) grants.close();
    await desk.close();
    await authority.close();
  });
  const authorize = async (user: string): Promise<void> => {
    const opening = await desk.issuers.oauth.authorize(connection, REDIRECT, 'olga', user);
    assert.ok(opening !== null);
    const back = await authority.consent(opening.url);
    await desk.issuers.oauth.complete(back.searchParams);
  };
  const tokenOf = async (run: Run, leases = desk.leases): Promise<string> => {
    const credential = await leases.obtain(run, connection);
    assert.ok(credential?.kind === 'secret');
    return credential.value;
  };
  const halted = async (grants: UserGrants) => {
    const now = doors.clock.now();
    return grants.end(await grants.held([connection], now), now);
  };
  const kept = async (): Promise<string> => {
    const names = (await desk.secrets.names()).filter(({ name }) => name.startsWith('oauth:'));
    return (await Promise.all(names.map(({ name }) => desk.secrets.kept(name)))).join();
  };
  return { authority, desk, connection, grantsOf, authorize, tokenOf, halted, kept };
}

/** Revocations in the order in which they came: `refresh_token`, `access_token`. */
function revocations(seen: readonly { path: string; body: string }[]): (string | null)[] {
  return seen
    .filter(({ path }) => path === '/revoke')
    .map(({ body }) => new URLSearchParams(body).get('token_type_hint'));
}

test('a grant ends at its server, refresh token first, and is gone here', async (t) => {
  const { authority, desk, grantsOf, authorize, tokenOf, halted, kept } = await scene(t);
  await authorize('dana');
  await authorize('eve');
  await tokenOf(await desk.run('coder', 'dana'));
  const grants = grantsOf(desk.issuers);
  assert.equal(authority.refresh.size, 2);
  const ends = await halted(grants);
  assert.deepEqual(ends.map(({ grant, state }) => [grant.handle, state]).sort(), [
    ['oauth-grant:mail:dana', 'dead'],
    ['oauth-grant:mail:eve', 'dead'],
  ]);
  assert.equal(authority.refresh.size, 0);
  const order = revocations(authority.seen);
  assert.equal(order.filter((kind) => kind === 'refresh_token').length, 2);
  assert.equal(order[0], 'refresh_token');
  assert.doesNotMatch(await kept(), /refresh-token-of-the-test/);
  await assert.rejects(tokenOf(await desk.run('coder', 'dana')), { code: 'AUTHORIZATION_NEEDED' });
  assert.deepEqual(await halted(grants), [], 'nothing is left to end');
  await authorize('dana');
  await tokenOf(await desk.run('coder', 'dana'));
  const said = (await desk.store.timeline('system')).map(({ body }) => JSON.parse(body));
  const notes = said.filter(({ note }) => note === 'connection.grant-ended');
  assert.deepEqual(notes.map(({ data }) => data.user).sort(), ['dana', 'eve']);
});

test('a grant that was given after the halt stays', async (t) => {
  const { authority, desk, connection, grantsOf, authorize } = await scene(t);
  await authorize('dana');
  const grants = grantsOf(desk.issuers);
  const before = desk.doors.clock.now();
  const [dana] = await grants.held([connection], before);
  assert.ok(dana !== undefined);
  desk.pass(1_000);
  await authorize('dana');
  assert.deepEqual(await grants.held([connection], before), []);
  await grants.end([dana], before);
  assert.equal(revocations(authority.seen).length, 0);
});

test('a server that is down is asked until it is not, by the next process too', async (t) => {
  let down = true;
  const { authority, desk, connection, grantsOf, authorize, halted } = await scene(t, {
    before: async (path) => (down && path === '/revoke' ? 503 : null),
  });
  await authorize('dana');
  const first = grantsOf(desk.issuers);
  const ending = halted(first);
  while (revocations(authority.seen).length < 3) await new Promise(setImmediate);
  assert.equal(first.trying()[0]?.handle, 'oauth-grant:mail:dana');
  first.close();
  assert.equal((await ending)[0]?.state, 'ending');
  assert.equal(authority.refresh.size, 1, 'it works there still');
  down = false;
  await desk.wake();
  const second = grantsOf(desk.issuers);
  await second.sweep(async () => [connection]);
  const [end] = await halted(second);
  assert.equal(end?.state, 'dead');
  assert.equal(authority.refresh.size, 0);
});

test('a server that cannot end it: said, and gone here', async (t) => {
  const metadata = { revocation_endpoint: null };
  const { authority, desk, grantsOf, authorize, halted, kept } = await scene(t, { metadata });
  await authorize('dana');
  const [end] = await halted(grantsOf(desk.issuers));
  assert.equal(end?.state, 'residual');
  assert.match(end?.note ?? '', /no revocation endpoint; its user can end it there/);
  assert.equal(authority.refresh.size, 1);
  assert.doesNotMatch(await kept(), /refresh-token-of-the-test/);
});

test('an order that was taken and not obeyed is no end; what showing it brings ends too', async (t) => {
  const { authority, desk, grantsOf, authorize, halted } = await scene(t, { keepsRefresh: true });
  await authorize('dana');
  const grants = grantsOf(desk.issuers);
  const ending = halted(grants);
  while (grants.trying().length === 0) await new Promise(setImmediate);
  assert.match(grants.trying()[0]?.why ?? '', /refresh token still works there/);
  authority.options.keepsRefresh = false;
  assert.equal((await ending)[0]?.state, 'dead');
  assert.equal(authority.refresh.size, 0);
  assert.equal(authority.live.size, 0, 'nothing of what the tries brought works either');
});

/** A refresh that its server does not answer before it is told to. */
function slowRefresh() {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let armed = false;
  const before = async (path: string): Promise<null> => {
    if (!armed || path !== '/token') return null;
    armed = false;
    asked.resolve();
    await answer.promise;
    return null;
  };
  const arm = (): void => {
    armed = true;
  };
  return { before, arm, asked: asked.promise, answer: () => answer.resolve() };
}

test('a refresh in flight lands first, and what it brought is ended', async (t) => {
  const slow = slowRefresh();
  const { authority, desk, grantsOf, authorize, tokenOf, halted, kept } = await scene(t, {
    before: slow.before,
  });
  await authorize('dana');
  const run = await desk.run('coder', 'dana');
  slow.arm();
  const minting = tokenOf(run);
  await slow.asked;
  const ending = halted(grantsOf(desk.issuers));
  slow.answer();
  await minting;
  assert.equal((await ending)[0]?.state, 'dead');
  assert.equal(authority.refresh.size, 0);
  assert.doesNotMatch(await kept(), /refresh-token-of-the-test/);
});

test('a refresh that another replica has in flight goes the way of its grant', async (t) => {
  const slow = slowRefresh();
  const { authority, desk, connection, grantsOf, authorize, tokenOf, halted, kept } = await scene(
    t,
    { before: slow.before },
  );
  await authorize('dana');
  const { secrets, store, doors } = desk;
  const readText = (path: string): Promise<string> => readFile(path, 'utf8');
  const there = createIssuers({ secrets, store, doors, readText, roles: NOWHERE });
  const elsewhere = new Leases({
    ...{ store, doors, issuers: there.all, connection: async () => connection, log: () => {} },
  });
  t.after(async () => {
    elsewhere.close();
    await there.close();
  });
  const run = await desk.run('coder', 'dana');
  slow.arm();
  const minting = tokenOf(run, elsewhere);
  await slow.asked;
  const grants = grantsOf(desk.issuers);
  const ending = halted(grants);
  while (!/"ending":\[\{/.test(await kept())) await new Promise(setImmediate);
  slow.answer();
  await assert.rejects(minting, { code: 'CREDENTIAL_FAILED' });
  await ending;
  assert.equal(
    (await halted(grants)).every(({ state }) => state === 'dead'),
    true,
  );
  assert.deepEqual([authority.refresh.size, authority.live.size], [0, 0]);
  assert.doesNotMatch(await kept(), /refresh-token-of-the-test/);
});

const NOWHERE = {
  with: () => Promise.reject(new Error('there is no database here')),
  server: () => Promise.reject(new Error('there is no database here')),
  grantRole: () => 'none',
  handOn: () => '',
  takeBack: () => '',
  brokerRole: () => 'none',
  tryLogin: async () => 'unclear' as const,
};
