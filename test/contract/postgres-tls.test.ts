import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { type AcmePostgres, startPostgres } from '../../examples/acme/postgres.ts';
import { createPostgresAdmin } from '../../src/connectors/postgres/admin.ts';
import { clientConfig, targetOf } from '../../src/connectors/postgres/login.ts';
import { Session } from '../../src/connectors/postgres/session.ts';
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

/** What a pooler does that can be seen: it answers with a number of its own, or does not know settings of a login. */
async function pooler(refuses: boolean): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const greeting = Buffer.from([0x4b, 0, 0, 0, 12]);
  const text = 'SERROR\0VERROR\0C08P01\0Munsupported startup parameter: options\0\0';
  const refusal = Buffer.concat([Buffer.from([0x45, 0, 0, 0, text.length + 4]), Buffer.from(text)]);
  const line = createServer((near) => {
    const far = connect(portOf('plain'), '127.0.0.1');
    for (const socket of [near, far]) sockets.add(socket.on('error', () => {}));
    near.on('data', (bytes) => (refuses ? near.end(refusal) : far.write(bytes)));
    far.on('data', (bytes) => {
      const at = bytes.indexOf(greeting);
      if (at >= 0) bytes.writeInt32BE(bytes.readInt32BE(at + 5) + 1, at + 5);
      near.write(bytes);
    });
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  const { port } = line.address() as AddressInfo;
  const close = (): void => {
    line.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port, close };
}

for (const refuses of [false, true])
  test(`a pooler is told and refused, by store and connection${refuses ? ', also when it refuses first' : ''}`, async () => {
    const line = await pooler(refuses);
    const target = { host: '127.0.0.1', port: line.port, database: 'box', user: 'box' };
    const connection = { name: 'box', kind: 'postgres', environment: 'production' };
    const admin = createPostgresAdmin({ reveal: async () => PASSWORD }, realDoors());
    const client = { ...target, password: PASSWORD, ssl: false as const };
    const open = openPostgresStore({
      address: { client },
      masterKey: MASTER_KEY,
      doors: realDoors(),
    });
    await assert.rejects(open, refuses ? DOWN : { ...DOWN, message: /a connection pooler stands/ });
    await assert.rejects(admin.server({ ...connection, settings: target, secret: 'box' }), {
      code: 'CREDENTIAL_FAILED',
      message: /found a connection pooler/,
    });
    await assert.rejects(
      Session.open(targetOf({ ...connection, settings: target }), {
        ...{ user: 'box', password: PASSWORD, label: 'test', settings: {} },
      }),
      refuses ? { code: '08P01' } : { name: 'PoolerFound' },
    );
    await admin.close();
    line.close();
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
