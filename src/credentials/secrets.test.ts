import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Store } from '../domain/store.ts';
import { realDoors } from '../doors.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { staticSecretIssuer } from './static-secret.ts';

const doors = realDoors();
const masterKey = doors.entropy.bytes(32);
const VALUE = 'hunter2-é-and-more';
let directory = '';
let store: Store;
let secrets: Secrets;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-secrets-'));
  store = await openSqliteStore({ directory, masterKey, doors });
  secrets = createSecrets({ store, masterKey, doors });
});
after(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const code = (wanted: string) => (error: Error & { code: string }) => {
  assert.equal(error.code, wanted);
  assert.ok(!error.message.includes(VALUE));
  return true;
};

test('what was put is revealed, the newest version', async () => {
  await secrets.put('db', 'old', 'dana');
  assert.equal((await secrets.put('db', VALUE, 'dana')).version, 2);
  assert.equal(await secrets.reveal('db'), VALUE);
  assert.deepEqual(
    (await secrets.names()).map(({ name, version }) => [name, version]),
    [['db', 2]],
  );
});

test('the same value is sealed differently every time', async () => {
  await secrets.put('a', VALUE, 'dana');
  const first = await store.secret('a');
  await secrets.put('a', VALUE, 'dana');
  assert.notEqual((await store.secret('a'))?.sealed, first?.sealed);
});

test('nothing of it is readable on disk', async () => {
  await secrets.put('disk', VALUE, 'dana');
  for (const file of ['signalbox.db', 'signalbox.db-wal']) {
    const bytes = await readFile(join(directory, file)).catch(() => Buffer.alloc(0));
    assert.ok(!bytes.includes(VALUE), file);
  }
});

test('a secret that is not there is named', async () => {
  await assert.rejects(secrets.reveal('nowhere'), code('SECRET_MISSING'));
});

test('another master key, another name, a changed byte: all refused', async () => {
  await secrets.put('bound', VALUE, 'dana');
  const found = await store.secret('bound');
  const sealed = found?.sealed ?? '';
  const revealing = (name: string, text: string, key = masterKey): Promise<string> =>
    createSecrets({
      store: { ...store, secret: async () => ({ sealed: text, version: 1 }) },
      masterKey: key,
      doors,
    }).reveal(name);
  assert.equal(await revealing('bound', sealed), VALUE);
  await assert.rejects(revealing('bound', sealed, doors.entropy.bytes(32)), code('MASTER_KEY'));
  await assert.rejects(revealing('other', sealed), code('MASTER_KEY'));
  for (let at = 2; at < sealed.length; at += 7) {
    if (sealed[at] === '.') continue;
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
    await assert.rejects(revealing('bound', changed), code('MASTER_KEY'), `byte ${at}`);
  }
  for (const broken of ['', '1', '1..', '2.a.b', '1.a.b'])
    await assert.rejects(revealing('bound', broken), code('MASTER_KEY'));
});

for (const [name, value] of [
  ['', 'x'],
  ['Upper', 'x'],
  ['../x', 'x'],
  ['a'.repeat(64), 'x'],
  ['empty', ''],
  ['big', 'x'.repeat(64 * 1024 + 1)],
  ['bytes', `${VALUE}\0`],
  ['latin', Buffer.from('caf\xe9-hunter2', 'latin1').toString()],
  ['broken', '\ud800-hunter2'],
] as const)
  test(`refused: name \`${name.slice(0, 10)}\` with ${value.length} characters`, async () => {
    await assert.rejects(secrets.put(name, value, 'dana'), code('REQUEST_MALFORMED'));
  });

test('a static secret is handed out as it is, and honest about its end', async () => {
  const issuer = staticSecretIssuer(secrets);
  assert.equal(issuer.revocability, 'none');
  await secrets.put('token', VALUE, 'dana');
  const connection = {
    name: 'volumes',
    kind: 'http',
    environment: 'production',
    settings: {},
    secret: 'token',
  };
  const lease = { id: 'lease_1', handle: issuer.handleFor('lease_1', {} as never) } as never;
  assert.deepEqual(await issuer.mint({ lease, connection, run: {} as never }), {
    kind: 'secret',
    leaseId: 'lease_1',
    value: VALUE,
  });
  const { secret: _, ...without } = connection;
  await assert.rejects(
    issuer.mint({ lease, connection: without, run: {} as never }),
    code('SECRET_MISSING'),
  );
  assert.equal(await issuer.verifyDead(lease, connection), false);
});
