/**
 * Logins and values from a vault. The vault is one of the tests', written after the documented API of Vault and OpenBao;
 * the database behind it is a real PostgreSQL.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import pg from 'pg';
import { AGENT, openSite, type Site } from '../../connectors/postgres/testing/site.ts';
import type { Connection } from '../../domain/bundle.ts';
import type { JsonObject } from '../../domain/json.ts';
import { openDesk } from '../testing/desk.ts';
import { POD_JWT, ROLE_ID, SECRET_ID, startVault, type TestVault } from './testing/vault.ts';

const BY_APPROLE: JsonObject = { method: 'approle', roleId: ROLE_ID, secret: 'vault-secret-id' };

function serverAt({ url }: TestVault, auth: JsonObject): JsonObject {
  return { name: 'main', url, allowPrivate: true, auth };
}

async function kvScene(t: TestContext, auth: JsonObject) {
  const vault = await startVault();
  vault.kv.set('secret/apps/status', { token: 'status-token-of-the-test' });
  const connection: Connection = {
    name: 'status',
    kind: 'http',
    environment: 'production',
    settings: {
      url: 'https://status.example',
      vault: {
        server: serverAt(vault, auth),
        mount: 'secret',
        path: 'apps/status',
        field: 'token',
      },
    },
    issuer: 'vault-kv',
  };
  const desk = await openDesk(connection);
  await desk.secrets.put('vault-secret-id', SECRET_ID, 'test');
  t.after(async () => {
    await desk.close();
    await vault.close();
  });
  const value = async (): Promise<string> => {
    const credential = await desk.leases.obtain(await desk.run(), connection);
    assert.ok(credential?.kind === 'secret');
    return credential.value;
  };
  return { vault, desk, value };
}

test('a value of the key-value engine is read for each run, and ends residual', async (t) => {
  const { vault, desk, value } = await kvScene(t, BY_APPROLE);
  assert.equal(await value(), 'status-token-of-the-test');
  vault.kv.set('secret/apps/status', { token: 'rotated-token-of-the-test' });
  assert.equal(await value(), 'rotated-token-of-the-test');
  assert.equal(vault.logins.approle, 1, 'one login for both');
  const reports = await desk.leases.revoke(() => true);
  assert.deepEqual(
    reports.map(({ lease: { state } }) => state),
    ['residual', 'residual'],
  );
  vault.kv.delete('secret/apps/status');
  await assert.rejects(value(), /vault `main` gave nothing at `secret\/data\/apps\/status`/);
});

test('our own token is renewed past half its life, and got anew when it was ended', async (t) => {
  const { vault, desk, value } = await kvScene(t, BY_APPROLE);
  vault.ttl = 100;
  await value();
  desk.pass(60_000);
  vault.ahead += 60_000;
  await value();
  assert.deepEqual(vault.logins, { approle: 1, kubernetes: 0, renewed: 1 });
  desk.pass(200_000);
  vault.ahead += 200_000;
  await value();
  assert.equal(vault.logins.approle, 2, 'over is over');
  vault.tokens.clear();
  await value();
  assert.equal(vault.logins.approle, 3, 'one that was ended at the vault');
});

test('a pod logs in by the token Kubernetes gave it; an operator’s token is used as it is', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-pod-'));
  t.after(() => rm(directory, { recursive: true }));
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, `${POD_JWT}\n`);
  const pod = await kvScene(t, { method: 'kubernetes', role: 'signalbox', tokenFile });
  assert.equal(await pod.value(), 'status-token-of-the-test');
  assert.equal(pod.vault.logins.kubernetes, 1);
  const given = await kvScene(t, { method: 'token', secret: 'vault-token' });
  await given.desk.secrets.put('vault-token', given.vault.root, 'test');
  assert.equal(await given.value(), 'status-token-of-the-test');
  const wrong = await kvScene(t, { ...BY_APPROLE, roleId: 'another-role' });
  await assert.rejects(wrong.value(), (error: Error) => {
    assert.match(error.message, /did not log us in \(status 400: invalid role or secret ID\)/);
    assert.ok(!error.message.includes(SECRET_ID));
    return true;
  });
});

/** A vault whose database engine makes real roles, and drops them as OpenBao's default does: sessions stay. */
async function databaseScene(t: TestContext, site: Site) {
  const vault = await startVault({
    async create(user, password) {
      const role = site.admin.grantRole(AGENT, site.connection);
      await site.sql(`CREATE ROLE "${user}" LOGIN PASSWORD '${password}' IN ROLE "${role}"`);
    },
    async drop(user) {
      await site.sql(`DROP ROLE IF EXISTS "${user}"`);
    },
  });
  const connection: Connection = {
    ...site.connection,
    settings: {
      ...site.connection.settings,
      vault: { server: serverAt(vault, BY_APPROLE), mount: 'database', role: '{agent}-reader' },
    },
    issuer: 'vault-database',
  };
  const desk = await openDesk(connection, site.admin);
  await desk.secrets.put('vault-secret-id', SECRET_ID, 'test');
  t.after(async () => {
    await desk.close();
    await vault.close();
  });
  const login = async () => {
    const credential = await desk.leases.obtain(await desk.run(AGENT), connection);
    assert.ok(credential?.kind === 'login');
    return credential;
  };
  const open = async (
    { user, password }: { user: string; password: string },
    more: { readonly options?: string } = {},
  ) => {
    const { host, port } = site.server;
    const { database } = site.acme;
    const client = new pg.Client({ host, port, database, user, password, ...more });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  return { vault, desk, connection, login, open };
}

test('a login of a vault’s database engine', async (t) => {
  const site = await openSite();
  t.after(() => site.stop());
  await site.sql(`GRANT pg_signal_backend TO "${site.acme.broker.user}"`);
  const read = await site.tool('read', 'select id from customers where id = :id');
  await site.grant(read);

  /** A login that stays half in for half a minute, and what comes of it. */
  const halfIn = async (
    made: { user: string; password: string },
    open: Awaited<ReturnType<typeof databaseScene>>['open'],
  ) => {
    const used = open(made, { options: '-c post_auth_delay=30' })
      .then((client) => client.query('SELECT 1'))
      .then(
        () => 'used',
        () => 'of no use',
      );
    const seen = `SELECT pid FROM pg_locks WHERE locktype = 'virtualxid' AND pid NOT IN
      (SELECT pid FROM pg_stat_activity WHERE usesysid IS NOT NULL OR datid IS NOT NULL)`;
    // others are half in too, for a moment
    let last: unknown;
    for (let tries = 0, times = 0; times < 50; tries++) {
      assert.ok(tries < 5_000, 'never half in');
      const pid = (await site.sql(seen)).rows[0]?.pid;
      times = pid !== undefined && pid === last ? times + 1 : 0;
      last = pid;
    }
    return { used };
  };

  await t.test(
    'works for its agent’s tools, and is dead after a halt with its session',
    async (t) => {
      const { vault, desk, login, open } = await databaseScene(t, site);
      const made = await login();
      assert.match(made.user, /^v-support-/, 'the role named after the agent');
      const thief = await open(made);
      assert.equal((await thief.query('select id from customers limit 1')).rowCount, 1);
      const gone = new Promise((resolve) => thief.once('end', resolve));
      const [report] = await desk.leases.revoke(() => true);
      assert.equal(report?.dead, true);
      await gone;
      assert.equal(vault.leases.size, 0);
      assert.equal(await site.admin.tryLogin(site.connection, made.user, made.password), 'refused');
      assert.deepEqual(
        [...vault.tokens.values()].filter(({ meta }) => meta !== null),
        [],
      );
      assert.ok(desk.logged.every((line) => !line.includes(made.password)));
    },
  );

  await t.test(
    'a thief that is half in when the vault drops the role does not get in',
    async (t) => {
      const { desk, login, open } = await databaseScene(t, site);
      const made = await login();
      const { used } = await halfIn(made, open);
      const [report] = await desk.leases.revoke(() => true);
      assert.equal(report?.dead, true);
      assert.equal(await used, 'of no use');
      const nameless = `usename IS NULL AND usesysid IS NOT NULL`;
      const left = await site.sql(`SELECT pid FROM pg_stat_activity WHERE ${nameless}`);
      assert.deepEqual(left.rows, []);
    },
  );

  await t.test('who may not end it does not call it dead', async (t) => {
    const { desk, login, open } = await databaseScene(t, site);
    const made = await login();
    await site.sql(`REVOKE pg_signal_backend FROM "${site.acme.broker.user}"`);
    const { used } = await halfIn(made, open);
    const ending = desk.leases.revoke(() => true);
    await desk.said(/the broker may not end them/);
    assert.equal(desk.leases.trying().length, 1);
    await site.sql(`GRANT pg_signal_backend TO "${site.acme.broker.user}"`);
    assert.equal((await ending)[0]?.dead, true);
    assert.equal(await used, 'of no use');
  });

  await t.test('a yes that ended nothing is not believed', async (t) => {
    const { vault, desk, login } = await databaseScene(t, site);
    await login();
    vault.faults.deaf = true;
    const ending = desk.leases.revoke(() => true);
    await desk.said(/still works there/);
    vault.faults.deaf = false;
    assert.equal((await ending)[0]?.dead, true);
  });

  await t.test('a token that could not be found dead is not used', async (t) => {
    const { vault, login } = await databaseScene(t, site);
    vault.faults.blind = true;
    await assert.rejects(login(), /does not let the token of a lease look itself up/);
    assert.equal(vault.leases.size, 0);
  });

  await t.test('another vault is not believed', async (t) => {
    const { vault, desk, connection, login } = await databaseScene(t, site);
    const other = await startVault();
    t.after(() => other.close());
    await login();
    const { vault: from } = connection.settings as { vault: { server: JsonObject } };
    const { server } = from;
    from.server = { ...server, url: other.url };
    await desk.wake();
    const ending = desk.leases.revoke(() => true);
    await desk.said(/leads elsewhere than when the login was made/);
    assert.equal(vault.leases.size, 1);
    from.server = server;
    assert.equal((await ending)[0]?.dead, true);
  });

  await t.test('a vault out of reach is asked until it answers', async (t) => {
    const { vault, desk, login } = await databaseScene(t, site);
    const made = await login();
    vault.faults.revocation = 500;
    const ending = desk.leases.revoke(() => true);
    await desk.said(/not confirmed dead/, 2);
    assert.equal(await site.admin.tryLogin(site.connection, made.user, made.password), 'accepted');
    delete vault.faults.revocation;
    assert.equal((await ending)[0]?.dead, true);
  });

  await t.test(
    'what was made and whose answer was lost ends with the token it was asked by',
    async (t) => {
      const { vault, desk, login } = await databaseScene(t, site);
      vault.faults.lostAnswer = true;
      await assert.rejects(login());
      vault.faults.lostAnswer = false;
      await desk.wake();
      await desk.leases.sweep();
      await desk.leases.revoke(() => true);
      assert.equal(vault.leases.size, 0);
      const left = await site.sql(`SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-support-%'`);
      assert.deepEqual(left.rows, []);
    },
  );
});
