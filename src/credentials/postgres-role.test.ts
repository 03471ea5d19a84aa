/** Minted logins at a real server: made, ended, and proven dead. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openSite, RUN, type Site } from '../connectors/postgres/testing/site.ts';
import type { Tool } from '../domain/bundle.ts';
import type { Op } from '../domain/ops.ts';
import { postgresRoleIssuer } from './postgres-role.ts';
import { scramVerifier } from './scram.ts';
import { Strays } from './strays.ts';

let site: Site;
let read: Tool;

before(async () => {
  site = await openSite();
  read = await site.tool('read', 'select id from customers where id = :id');
  await site.grant(read);
});
after(() => site.stop());

const role = async (name: string): Promise<Record<string, unknown> | undefined> =>
  (
    await site.sql(
      `SELECT a.oid, a.rolcanlogin, a.rolsuper, a.rolcreaterole, a.rolconnlimit, a.rolvaliduntil,
              a.rolpassword, s.setconfig
       FROM pg_authid a LEFT JOIN pg_db_role_setting s ON s.setrole = a.oid WHERE rolname = $1`,
      [name],
    )
  ).rows[0];

test('a verifier answers as the example of RFC 7677 does', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  const verifier = await scramVerifier('pencil', salt, 4_096);
  const [, stored = '', server = ''] =
    /^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$(.*):(.*)$/.exec(verifier) ?? [];
  const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
  const conversation =
    `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,` +
    `c=biws,r=${nonce}`;
  const sign = (key: string): Buffer =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(conversation).digest();
  assert.equal(sign(server).toString('base64'), '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
  const signature = sign(stored);
  const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0));
  assert.equal(createHash('sha256').update(clientKey).digest('base64'), stored);
});

test('a login lives 15 minutes at most, with pinned settings, and its password is nowhere', async () => {
  const { login } = await site.mint();
  const made = await role(login.user);
  assert.equal(made?.rolcanlogin, true);
  assert.equal(made?.rolsuper, false);
  assert.equal(made?.rolcreaterole, false);
  assert.equal(made?.rolconnlimit, 6);
  const until = made?.rolvaliduntil;
  assert.ok(until instanceof Date);
  const lives = until.getTime() - site.doors.clock.now();
  assert.ok(lives > 14 * 60_000 && lives <= 15 * 60_000 + 1_000, `${lives} ms`);
  assert.match(String(made?.rolpassword), /^SCRAM-SHA-256\$1:/);
  assert.ok(!String(made?.rolpassword).includes(login.password));
  const settings = String(made?.setconfig);
  for (const name of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])
    assert.match(settings, new RegExp(name));
  assert.match(settings, /search_path=pg_catalog, public, pg_temp/);
});

test('the server’s log never sees the password', async () => {
  await site.sql(`ALTER ROLE signalbox_broker SET application_name = 'x'`);
  const { login } = await site.mint();
  const { rows } = await site.sql('SELECT query FROM pg_stat_activity');
  assert.ok(rows.every(({ query }) => !String(query).includes(login.password)));
});

test('revocation ends sessions and login; only then is it dead', async () => {
  const { lease, login } = await site.mint();
  const thief = await site.leaked(login);
  await thief.query('SELECT id FROM customers WHERE id = 1');
  assert.equal(await site.issuer.verifyDead(lease, site.connection), false);
  await site.issuer.revoke(lease, site.connection);
  await assert.rejects(thief.query('SELECT 1'));
  await assert.rejects(site.leaked(login), { code: '28P01' });
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await role(login.user), undefined);
});

/** By the broker: before 16 what it holds was given by that one, and only that one takes it. */
const stripped = (user: string) =>
  site.sql(`BEGIN; SET LOCAL ROLE signalbox_broker; DROP OWNED BY "${user}"; COMMIT`);
const dropped = async (user: string) => {
  await stripped(user);
  await site.sql(`DROP ROLE "${user}"`);
};

test('NOLOGIN alone is not dead while a session is open', async () => {
  const { lease, login } = await site.mint();
  const thief = await site.leaked(login);
  await site.sql(`ALTER ROLE "${login.user}" NOLOGIN`);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), false);
  await thief.end();
  // before 16 it also holds its rights itself
  await stripped(login.user);
  for (let tries = 0; !(await site.issuer.verifyDead(lease, site.connection)); tries++)
    assert.ok(tries < 100, 'never dead');
  await assert.rejects(site.leaked(login), { code: '28000' });
  await site.issuer.revoke(lease, site.connection);
});

/** By the role's number: one that was dropped has no name any more. */
async function sessionsOf(oid: unknown): Promise<number> {
  const { rows } = await site.sql('SELECT FROM pg_stat_activity WHERE usesysid = $1', [oid]);
  return rows.length;
}

/** Those that are past their password, and still no session that can be seen. */
async function halfIn(): Promise<number> {
  const { rows } =
    await site.sql(`SELECT FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass
    AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usesysid IS NOT NULL OR datid IS NOT NULL)`);
  return rows.length;
}

test('a thief that reconnects as fast as it can has no session left', async () => {
  const { lease, login } = await site.mint();
  let hammering = true;
  let refusals = 0;
  const thieves = Array.from({ length: 4 }, async () => {
    while (hammering && refusals < 20) {
      try {
        await (await site.leaked(login)).query('SELECT pg_sleep(60)');
      } catch {
        refusals++;
      }
    }
  });
  for (let tries = 0; tries < 1_000; tries++) {
    const { rows } = await site.sql('SELECT FROM pg_stat_activity WHERE usename = $1', [
      login.user,
    ]);
    if (rows.length > 0) break;
  }
  const made = await role(login.user);
  await site.issuer.revoke(lease, site.connection);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await sessionsOf(made?.oid), 0);
  hammering = false;
  await Promise.all(thieves);
  assert.equal(await sessionsOf(made?.oid), 0);
});

test('a thief that is half in, and stays so for as long as it likes, does not get in', async () => {
  const { lease, login } = await site.mint();
  const made = await role(login.user);
  const used = site
    .leaked(login, '-c post_auth_delay=30')
    .then((client) => client.query('SELECT 1'))
    .then(
      () => 'used',
      () => 'of no use',
    );
  for (let tries = 0; (await halfIn()) === 0; tries++) assert.ok(tries < 1_000, 'never half in');
  await site.issuer.revoke(lease, site.connection);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await used, 'of no use');
  assert.equal(await sessionsOf(made?.oid), 0);
});

test('revoking what is gone, or was never made, is harmless', async () => {
  const { lease } = await site.mint();
  await site.issuer.revoke(lease, site.connection);
  await site.issuer.revoke(lease, site.connection);
  const never = site.lease('lease_never');
  await site.issuer.revoke(never, site.connection);
  assert.equal(await site.issuer.verifyDead(never, site.connection), true);
});

test('minting the same lease again gives one role with the new password', async () => {
  const first = await site.mint('lease_twice');
  const second = await site.mint('lease_twice');
  assert.equal(first.login.user, second.login.user);
  await assert.rejects(site.leaked(first.login), { code: '28P01' });
  await (await site.leaked(second.login)).query('SELECT id FROM customers WHERE id = 1');
});

test('thirty mints at once, used, and revoked at once', async () => {
  const minted = await Promise.all(Array.from({ length: 30 }, () => site.mint()));
  await Promise.all(minted.map(({ login }) => site.done(site.call(read, { id: 1 }, login))));
  await Promise.all(minted.map(({ lease }) => site.issuer.revoke(lease, site.connection)));
  for (const { lease, login } of minted) {
    assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
    assert.equal(await role(login.user), undefined);
  }
});

test('what ends together ends whole, also when one of it is gone and another is at work', async () => {
  const minted = await Promise.all(Array.from({ length: 4 }, () => site.mint()));
  const [gone, busy] = minted;
  assert.ok(gone && busy);
  await dropped(gone.login.user);
  const thief = await site.leaked(busy.login);
  await Promise.all(minted.map(({ lease }) => site.issuer.revoke(lease, site.connection)));
  await assert.rejects(thief.query('SELECT 1'));
  const dead = await Promise.all(
    minted.map(({ lease }) => site.issuer.verifyDead(lease, site.connection)),
  );
  assert.deepEqual(dead, [true, true, true, true]);
  for (const { login } of minted) assert.equal(await role(login.user), undefined);
});

test('who ends them when others do the same waits for nobody who stands at the door', async () => {
  const minted = await Promise.all([site.mint(), site.mint(), site.mint(), site.mint()]);
  const [first] = minted;
  // barred and dropped by another replica, while this one has its own login at the door
  await dropped(`${first?.login.user}`);
  const started = performance.now();
  await Promise.all(minted.map(({ lease }) => site.issuer.revoke(lease, site.connection)));
  // each would wait 0.4 s for that login, which nobody lets go on
  assert.ok(performance.now() - started < 1_000, 'they ended one after another');
  for (const { lease } of minted)
    assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
});

test('one login is tried for all that end together; when it is not refused, each is', async () => {
  const tried: string[] = [];
  let taken: string | null = null;
  const issuer = postgresRoleIssuer(
    {
      ...site.admin,
      tryLogin: async (connection, user, password) => {
        tried.push(user);
        taken ??= user;
        if (typeof password === 'function') await password();
        return user === taken ? 'accepted' : site.admin.tryLogin(connection, user, password);
      },
    },
    site.doors,
  );
  const leases = ['lease_side_1', 'lease_side_2', 'lease_side_3'].map((id) => site.lease(id));
  for (const lease of leases) await issuer.mint({ lease, connection: site.connection, run: RUN });
  await Promise.all(leases.map((lease) => issuer.revoke(lease, site.connection)));
  const verdicts = () =>
    Promise.all(leases.map((lease) => issuer.verifyDead(lease, site.connection)));
  assert.deepEqual(await verdicts(), [false, true, true]);
  assert.equal(tried.length, 3);
  taken = 'nobody';
  assert.deepEqual(await verdicts(), [true, true, true]);
  assert.equal(tried.length, 4);
});

test('who stood at the door before the bar is tried once; one let in without a word is tried again', async () => {
  const tried: string[] = [];
  let asks = true;
  const issuer = postgresRoleIssuer(
    {
      ...site.admin,
      tryLogin: async (connection, user, password) => {
        if (!asks && typeof password === 'function') return 'accepted';
        const answer = await site.admin.tryLogin(connection, user, password);
        tried.push(typeof password === 'function' ? `door: ${answer}` : answer);
        return answer;
      },
    },
    site.doors,
  );
  for (const id of ['lease_door_1', 'lease_door_2']) {
    const lease = site.lease(id);
    await issuer.mint({ lease, connection: site.connection, run: RUN });
    await issuer.revoke(lease, site.connection);
    assert.equal(await issuer.verifyDead(lease, site.connection), true);
    asks = false;
  }
  assert.deepEqual(tried, ['door: refused', 'refused']);
});

test('after a crash another process ends a login whose password it never knew', async () => {
  const { lease, login } = await site.mint();
  const thief = await site.leaked(login);
  const restarted = postgresRoleIssuer(site.admin, site.doors);
  assert.equal(restarted.handleFor(lease.id, RUN), lease.handle, 'the row alone names the role');
  assert.equal(await restarted.verifyDead(lease, site.connection), false);
  await restarted.revoke(lease, site.connection);
  assert.equal(await restarted.verifyDead(lease, site.connection), true);
  await assert.rejects(thief.query('SELECT 1'));
});

test('what a login left behind does not keep it alive', async () => {
  const { lease, login } = await site.mint();
  const thief = await site.leaked(login);
  await thief.query('CREATE TEMPORARY TABLE stash (id int)');
  await thief.query('SELECT lo_create(424242)');
  await site.issuer.revoke(lease, site.connection);
  assert.equal(await site.issuer.verifyDead(lease, site.connection), true);
  assert.equal(await role(login.user), undefined);
  const { rows } = await site.sql('SELECT FROM pg_largeobject_metadata WHERE oid = 424242');
  assert.equal(rows.length, 0);
});

test('an agent without a grant role gets a clear answer and no role', async () => {
  const lease = site.lease();
  const stranger = { ...RUN, agent: 'stranger' };
  await assert.rejects(
    site.issuer.mint({ lease, connection: site.connection, run: stranger }),
    (error: Error & { code: string; help: string }) => {
      assert.equal(error.code, 'CREDENTIAL_FAILED');
      assert.match(error.help, /signalbox apply/);
      return true;
    },
  );
  assert.equal(await role(lease.handle), undefined);
});

test('a broker that cannot log in says so without its password', async () => {
  const connection = {
    ...site.connection,
    settings: { ...site.connection.settings, database: 'nowhere' },
  };
  await assert.rejects(site.issuer.revoke(site.lease(), connection), (error: Error) => {
    assert.match(error.message, /cannot log in at `acme-db` \(3D000\)/);
    assert.ok(!JSON.stringify(error).includes(site.acme.broker.password));
    return true;
  });
});

test('a login that no lease owns is found and ended; those of others are left alone', async () => {
  const ours = postgresRoleIssuer(site.admin, site.doors, 'abad1dea');
  const theirs = postgresRoleIssuer(site.admin, site.doors, 'feedf00d');
  const mint = async (issuer: typeof ours, id: string) => {
    const lease = { ...site.lease(id), handle: issuer.handleFor(id, RUN), state: 'live' as const };
    const login = await issuer.mint({ lease, connection: site.connection, run: RUN });
    assert.ok(login.kind === 'login');
    return { lease, login };
  };
  const kept = await mint(ours, 'lease_kept');
  const stray = await mint(ours, 'lease_stray');
  const foreign = await mint(theirs, 'lease_foreign');
  const session = await site.leaked(stray.login);
  const gone = new Promise((resolve) => session.once('end', resolve));
  const notes: unknown[] = [];
  const strays = new Strays({
    store: {
      leases: async () => [{ ...kept.lease, replica: null }],
      commit: async (op: Op) => {
        notes.push(op);
        return { ok: true } as never;
      },
    },
    issuers: [ours],
    connections: async () => ({ [site.connection.name]: site.connection }),
    doors: site.doors,
    log: () => {},
  });
  assert.equal(await strays.look(), 1);
  await gone;
  assert.equal(await role(stray.login.user), undefined);
  assert.equal((await role(kept.login.user))?.rolcanlogin, true);
  assert.equal((await role(foreign.login.user))?.rolcanlogin, true);
  assert.equal(notes.length, 1);
  assert.equal(await strays.look(), 0, 'not again before five minutes are over');
});
