/** Where the master key comes from: each source for real, the vault one of the tests'. */
import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { outputOf, readText, realDoors } from '../doors.ts';
import { hasMasterKey, masterKeyOf } from './key-source.ts';
import { POD_JWT, ROLE_ID, SECRET_ID, startVault } from './vault/testing/vault.ts';

const HEX = 'ab'.repeat(32);
const KEY = Uint8Array.from(Buffer.from(HEX, 'hex'));

async function scene(t: TestContext, source: object | null) {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-source-'));
  t.after(() => rm(folder, { recursive: true }));
  const directory = join(folder, 'data');
  await mkdir(directory);
  const write = (name: string, text: string, mode = 0o600) =>
    writeFile(join(directory, name), text, { mode });
  if (source !== null) await write('key.json', JSON.stringify(source));
  const load = (credentials: string | null = null) =>
    masterKeyOf(directory, { doors: realDoors(), credentials, outputOf, readText });
  return { folder, directory, write, load };
}

test('without a word about it the key is a file, made when there is none', async (t) => {
  const { directory, load } = await scene(t, null);
  assert.equal(await hasMasterKey(directory), false);
  const key = await load();
  assert.deepEqual(await load(), key);
  assert.equal(await hasMasterKey(directory), true);
});

test('a credential of a systemd service is read where systemd puts it', async (t) => {
  const { folder, directory, load } = await scene(t, { from: 'systemd', name: 'signalbox-key' });
  await writeFile(join(folder, 'signalbox-key'), `${HEX}\n`, { mode: 0o400 });
  assert.deepEqual(await load(folder), KEY);
  assert.deepEqual(await readdir(directory), ['key.json'], 'no key lies in the data directory');
  await assert.rejects(load(null), /wants credential `signalbox-key` of systemd/);
  await chmod(join(folder, 'signalbox-key'), 0o644);
  await assert.rejects(load(folder), /has mode `644`: others could use it/);
});

test('a program prints the key: a KMS, or the keyring of the kernel', async (t) => {
  const command = [
    process.execPath,
    '-e',
    `console.log(${JSON.stringify(Buffer.from(HEX, 'hex').toString('base64'))})`,
  ];
  const { directory, write, load } = await scene(t, { from: 'command', command });
  assert.deepEqual(await load(), KEY);
  const failing = [process.execPath, '-e', `console.error('${HEX}'); process.exit(1)`];
  await write('key.json', JSON.stringify({ from: 'command', command: failing }));
  await assert.rejects(load(), (error: Error) => !error.message.includes(HEX));
  await write('key.json', JSON.stringify({ from: 'command', command: ['node'] }));
  await assert.rejects(load(), /a program by its whole path/);
  await chmod(join(directory, 'key.json'), 0o666);
  await assert.rejects(load(), /has mode `666`: others could use it/);
});

test('transit wraps the key, and the file it was in is gone', async (t) => {
  const vault = await startVault();
  t.after(() => vault.close());
  const { folder, directory, write, load } = await scene(t, {
    from: 'transit',
    url: vault.url,
    allowPrivate: true,
    key: 'signalbox',
    auth: { method: 'approle', roleId: ROLE_ID, secret: '' },
  });
  const secret = join(folder, 'secret-id');
  await writeFile(secret, SECRET_ID, { mode: 0o600 });
  const source = JSON.parse(await readFile(join(directory, 'key.json'), 'utf8'));
  await write('key.json', JSON.stringify({ ...source, auth: { ...source.auth, secret } }));
  await write('master.key', `${HEX}\n`);
  assert.deepEqual(await load(), KEY, 'the key that was there is kept');
  assert.deepEqual((await readdir(directory)).sort(), ['key.json', 'master.sealed']);
  assert.match(await readFile(join(directory, 'master.sealed'), 'utf8'), /^vault:v1:/);
  assert.deepEqual(await load(), KEY);
  await write('master.key', `${HEX}\n`);
  assert.deepEqual(await load(), KEY, 'a death between the two left both');
  assert.deepEqual((await readdir(directory)).sort(), ['key.json', 'master.sealed']);
  await write('master.key', `${'cd'.repeat(32)}\n`);
  await assert.rejects(load(), /`master.key` holds another key than `master.sealed`/);
  assert.match(await readFile(join(directory, 'master.key'), 'utf8'), /^cdcd/, 'and it is kept');
  await rm(join(directory, 'master.key'));
  // a pod finds its token behind a link, readable by others in the pod
  await writeFile(join(folder, 'data-token'), `${POD_JWT}\n`);
  await symlink(join(folder, 'data-token'), join(folder, 'token'));
  const pod = { method: 'kubernetes', role: 'signalbox', tokenFile: join(folder, 'token') };
  await write('key.json', JSON.stringify({ ...source, auth: pod }));
  assert.deepEqual(await load(), KEY);
  await write('master.sealed', 'vault:v1:AAAA');
  await assert.rejects(load(), /vault `transit` did not decrypt the key/);
});

test('nothing else is a source', async (t) => {
  const { write, load } = await scene(t, { from: 'environment' });
  await assert.rejects(load(), /names no source that is known/);
  await write('key.json', 'nonsense');
  await assert.rejects(load(), /is not a JSON object/);
});
