import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { realDoors } from '../doors.ts';
import { loadMasterKey } from './master-key.ts';

const { entropy } = realDoors();
let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'signalbox-key-'));
  path = join(directory, 'master.key');
});
afterEach(() => rm(directory, { recursive: true }));

const refused = (said: RegExp): Promise<void> =>
  assert.rejects(loadMasterKey(directory, entropy), (error: Error & { code: string }) => {
    assert.equal(error.code, 'MASTER_KEY');
    assert.match(error.message, said);
    return true;
  });

test('made once, for its owner alone, and the same ever after', async () => {
  const key = await loadMasterKey(directory, entropy);
  assert.equal(key.length, 32);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await loadMasterKey(directory, entropy), key);
  assert.deepEqual(await readdir(directory), ['master.key']);
});

test('processes that start at once agree on one key', async () => {
  const keys = await Promise.all(
    Array.from({ length: 8 }, () => loadMasterKey(directory, entropy)),
  );
  assert.equal(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size, 1);
  assert.deepEqual(await readdir(directory), ['master.key']);
});

for (const mode of [0o644, 0o640, 0o660, 0o602])
  test(`a file of mode ${mode.toString(8)} is refused`, async () => {
    await loadMasterKey(directory, entropy);
    await chmod(path, mode);
    await refused(/mode is/);
  });

test('a symbolic link is refused, also to a good key', async () => {
  await loadMasterKey(directory, entropy);
  const elsewhere = join(directory, 'elsewhere');
  await writeFile(elsewhere, await readFile(path), { mode: 0o600 });
  await rm(path);
  await symlink(elsewhere, path);
  await refused(/symbolic link/);
});

for (const [what, content] of [
  ['empty', ''],
  ['half a key', 'ab'.repeat(16)],
  ['no hexadecimal', 'z'.repeat(64)],
  ['far too much', 'ab'.repeat(2_000)],
] as const)
  test(`${what} is refused, and never replaced`, async () => {
    await writeFile(path, content, { mode: 0o600 });
    await refused(/refused/);
    assert.equal(await readFile(path, 'utf8'), content);
  });

test('a folder that does not exist is refused', async () => {
  directory = join(directory, 'nowhere');
  await refused(/cannot be created \(ENOENT\)/);
  directory = join(directory, '..');
});
