import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import { clientConfig, targetOf } from '../../src/connectors/postgres/login.ts';
import { realDoors } from '../../src/doors.ts';
import { postgresAddress } from '../../src/store/postgres/address.ts';
import { openPostgresStore } from '../../src/store/postgres/store.ts';
import { authority } from './certificates.ts';
import { beginRun, MASTER_KEY } from './store-cast.ts';

const PASSWORD = 'a password for tests';
const ours = authority('ours');
const theirs = authority('theirs');
const DOWN = { code: 'STORE_DOWN' };

/** `named`: for the host that is asked for; `other`: for another one; `plain`: no TLS at all. */
const servers: { named?: AcmePostgres; other?: AcmePostgres; plain?: AcmePostgres } = {};
before(async () => {
  const tls = [
    ours.certify('localhost', '127.0.0.1'),
    ours.certify('elsewhere.example'),
    undefined,
  ];
  const [named, other, plain] = await Promise.all(
    tls.map(async (certified) => {
      const server = await startPostgres({ durable: false, ...(certified && { tls: certified }) });
      await server.query(`CREATE ROLE box LOGIN PASSWORD '${PASSWORD}'`);
      await server.query('CREATE DATABASE box OWNER box');
      return server;
    }),
  );
  Object.assign(servers, { named, other, plain });
});
after(() => Promise.all(Object.values(servers).map((server) => server.stop())));

interface Wanted {
  readonly at: keyof typeof servers;
  readonly host?: string;
  readonly ca?: string;
  readonly mode?: string;
}

const portOf = (at: keyof typeof servers): number => servers[at]?.port ?? 0;

/** The store over this address: opened, written to and closed. */
async function store({ at, host = 'localhost', ca, mode = '' }: Wanted): Promise<void> {
  const url = `postgresql://box@${host}:${portOf(at)}/box${mode}`;
  const address = postgresAddress({ url, password: PASSWORD, ...(ca === undefined ? {} : { ca }) });
  const opened = await openPostgresStore({ address, masterKey: MASTER_KEY, doors: realDoors() });
  try {
    await opened.commit(beginRun(realDoors().entropy.id('run')));
  } finally {
    await opened.close();
  }
}

/** A login as the connector makes it; whether the line was encrypted, by the server's own word. */
async function login({ at, host = 'localhost', ca, mode = 'verify' }: Wanted): Promise<boolean> {
  const settings = {
    host,
    port: portOf(at),
    database: 'box',
    user: 'box',
    tls: mode,
    ...(ca && { ca }),
  };
  const target = targetOf({ name: 'box', kind: 'postgres', environment: 'production', settings });
  const client = new pg.Client(
    clientConfig(target, { user: 'box', password: PASSWORD, label: 'test', settings: {} }),
  );
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    return rows[0].ssl;
  } finally {
    await client.end().catch(() => {});
  }
}

for (const host of ['localhost', '127.0.0.1'])
  test(`a server that proves to be \`${host}\` is used, by store and connection`, async () => {
    await store({ at: 'named', host, ca: ours.ca });
    assert.equal(await login({ at: 'named', host, ca: ours.ca }), true);
  });

for (const host of ['localhost', '127.0.0.1'])
  test(`a certificate of another name is refused where \`${host}\` was asked for`, async () => {
    await assert.rejects(store({ at: 'other', host, ca: ours.ca }), DOWN);
    await assert.rejects(login({ at: 'other', host, ca: ours.ca }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

test('a certificate of another authority is refused, whether one was named or not', async () => {
  for (const ca of [{ ca: theirs.ca }, {}]) {
    await assert.rejects(store({ at: 'named', mode: '?sslmode=verify-full', ...ca }), DOWN);
    await assert.rejects(login({ at: 'named', ...ca }), /certificate|verify/);
  }
});

test('a server without TLS is refused where it was demanded', async () => {
  await assert.rejects(store({ at: 'plain', ca: ours.ca }), DOWN);
  await assert.rejects(store({ at: 'plain', mode: '?sslmode=verify-full' }), DOWN);
  await assert.rejects(login({ at: 'plain', ca: ours.ca }), /does not support SSL/);
  // controls: on this machine alone it may be left out, and a server that demands it is not talked into less
  await store({ at: 'plain' });
  assert.equal(await login({ at: 'plain', mode: 'off' }), false);
  await assert.rejects(store({ at: 'named' }), DOWN);
});
