/** Leases on the real store and the real database: one mint a run, ended at the source, orphans of a crash too. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openSite, RUN, type Site } from '../connectors/postgres/testing/site.ts';
import type { Connection } from '../domain/bundle.ts';
import type { Credential, CredentialIssuer, Lease } from '../domain/credential.ts';
import type { Run } from '../domain/run.ts';
import type { Store } from '../domain/store.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { Leases } from './leases.ts';
import { staticSecretIssuer } from './static-secret.ts';

let site: Site;
let directory = '';
let store: Store;
let leases: Leases;
let run: Run;
let runs = 0;
const lines: string[] = [];

before(async () => {
  site = await openSite();
  await site.grant(await site.tool('read', 'select id from customers where id = :id'));
  directory = await mkdtemp(join(tmpdir(), 'signalbox-leases-'));
  store = await openSqliteStore({
    directory,
    masterKey: site.doors.entropy.bytes(32),
    doors: site.doors,
  });
});
beforeEach(async () => {
  const id = `run_lease_${++runs}`;
  run = { ...RUN, id, root: id, startedAt: 1 };
  await store.commit({ kind: 'run.begin', run, at: 1 });
  leases = deskOf(site.issuer);
});
after(async () => {
  await store.close();
  await rm(directory, { recursive: true });
  await site.stop();
});

function deskOf(...issuers: readonly CredentialIssuer[]): Leases {
  const connection = async (): Promise<Connection> => site.connection;
  return new Leases({
    store,
    issuers,
    connection,
    doors: site.doors,
    log: (line) => lines.push(line),
  });
}
const obtained = async (): Promise<Extract<Credential, { kind: 'login' }>> => {
  const credential = await leases.obtain(run, site.connection);
  if (credential?.kind !== 'login') throw new Error('expected a login');
  return credential;
};
const stateOf = async (id: string): Promise<Lease['state'] | undefined> =>
  (await store.leases({ runId: run.id })).find((lease) => lease.id === id)?.state;

test('calls that come together share one mint, and its row', async () => {
  const all = await Promise.all(Array.from({ length: 20 }, obtained));
  assert.equal(new Set(all.map(({ leaseId }) => leaseId)).size, 1);
  const rows = await store.leases({ runId: run.id });
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['live'],
  );
});

test('a revoked lease is dead at the source, and the next call gets another', async () => {
  const first = await obtained();
  const thief = await site.leaked(first);
  const [report] = await leases.revoke(({ runId }) => runId === run.id);
  assert.equal(report?.dead, true);
  assert.equal(await stateOf(first.leaseId), 'dead');
  await assert.rejects(thief.query('SELECT 1'));
  await assert.rejects(site.leaked(first), { code: '28P01' });
  assert.notEqual((await obtained()).leaseId, first.leaseId);
});

test('others are not touched', async () => {
  const mine = await obtained();
  const other = { ...run, id: 'run_other', root: 'run_other' };
  await store.commit({ kind: 'run.begin', run: other, at: 1 });
  const theirs = await leases.obtain(other, site.connection);
  await leases.revoke(({ runId }) => runId === run.id);
  await assert.rejects(site.leaked(mine));
  if (theirs?.kind !== 'login') throw new Error('expected a login');
  await (await site.leaked(theirs)).query('SELECT id FROM customers WHERE id = 1');
  await leases.revoke(({ runId }) => runId === other.id);
});

test('a halt that comes while the credential is made leaves none', async () => {
  const minting = leases.obtain(run, site.connection);
  minting.catch(() => {});
  let reports: readonly unknown[] = [];
  for (let tries = 0; reports.length === 0 && tries < 100; tries++)
    reports = await leases.revoke(({ runId }) => runId === run.id);
  const credential = await minting.catch(() => null);
  for (let tries = 0; tries < 200; tries++) {
    const rows = await store.leases({ runId: run.id });
    if (rows.length > 0 && rows.every(({ state }) => state === 'dead')) break;
    await leases.revoke(({ runId }) => runId === run.id);
  }
  if (credential?.kind === 'login') await assert.rejects(site.leaked(credential));
  const { rows } = await site.sql(`SELECT FROM pg_roles WHERE rolname = ANY ($1)`, [
    (await store.leases({ runId: run.id })).map(({ handle }) => handle),
  ]);
  assert.equal(rows.length, 0);
});

test('a source that does not answer is asked until it does', async () => {
  const { lease } = { lease: await obtained() };
  let refusals = 3;
  const flaky: CredentialIssuer = {
    ...site.issuer,
    async revoke(which, connection) {
      if (refusals-- > 0) throw new Error('no route to host');
      await site.issuer.revoke(which, connection);
    },
  };
  const [report] = await deskOf(flaky).revoke(({ id }) => id === lease.leaseId);
  assert.equal(report?.dead, true);
  assert.equal(refusals, -1);
  assert.equal(lines.filter((line) => line.includes('no route to host')).length, 3);
  assert.ok(lines.every((line) => !line.includes(lease.password)));
});

test('orphans of a crash are swept: minted and forgotten, or about to be minted', async () => {
  const minted = await obtained();
  const never = { ...site.lease('lease_orphan'), runId: run.id };
  await store.commit({ kind: 'lease.write', lease: never, note: 'about to be minted', at: 1 });
  const thief = await site.leaked(minted);
  const restarted = deskOf(site.issuer);
  assert.ok((await restarted.sweep()) >= 2);
  assert.equal(await stateOf(minted.leaseId), 'dead');
  assert.equal(await stateOf('lease_orphan'), 'dead');
  await assert.rejects(thief.query('SELECT 1'));
  assert.equal(await restarted.sweep(), 0);
});

test('a sweep leaves what is in use alone', async () => {
  const mine = await obtained();
  await leases.sweep();
  assert.equal(await stateOf(mine.leaseId), 'live');
});

test('a failed mint leaves a row that ends dead, and says nothing secret', async () => {
  const broken: CredentialIssuer = {
    ...site.issuer,
    async mint(request) {
      await site.issuer.mint(request);
      throw new Error(`lost the answer, password ${site.acme.broker.password}`);
    },
  };
  const desk = deskOf(broken);
  await assert.rejects(desk.obtain(run, site.connection), (error: Error & { code: string }) => {
    assert.equal(error.code, 'CREDENTIAL_FAILED');
    assert.ok(!error.message.includes(site.acme.broker.password));
    return true;
  });
  await desk.revoke(({ runId }) => runId === run.id);
  const rows = await store.leases({ runId: run.id });
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['dead'],
  );
  const { rows: roles } = await site.sql('SELECT FROM pg_roles WHERE rolname = $1', [
    rows[0]?.handle,
  ]);
  assert.equal(roles.length, 0);
});

test('what cannot be revoked ends residual, and says so', async () => {
  const secrets = { reveal: async () => 'token' };
  const desk = deskOf(staticSecretIssuer(secrets));
  const connection = { ...site.connection, name: 'volumes', issuer: 'static-secret' };
  await desk.obtain(run, connection);
  const [report] = await desk.revoke(({ runId }) => runId === run.id);
  assert.equal(report?.dead, false);
  assert.equal(report?.lease.state, 'residual');
  assert.match(report?.note ?? '', /not revocable/);
});

test('a connection that needs no credential gets none', async () => {
  const { issuer: _, ...connection } = site.connection;
  assert.equal(await leases.obtain(run, connection), null);
});
