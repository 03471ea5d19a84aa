import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AcmePostgres, startPostgres } from '../../../examples/acme/postgres.ts';
import { beginRun, MASTER_KEY } from '../../../test/contract/store-cast.ts';
import { masterKeyOf } from '../../credentials/key-source.ts';
import { realDoors } from '../../doors.ts';
import {
  backupKeyCheck,
  backupStore,
  checkBackup,
  migrateStore,
  moveStore,
  restoreStore,
} from '../../store/carry/works.ts';
import { openStore, treeAt, verifyAt } from '../../store/open.ts';
import { forgetOldKey, keyFor, keyPlace, rekeyStore } from '../../system/keys.ts';
import type { Parts, StartOptions } from '../parts.ts';
import { openTerminal, type Terminal } from '../testing/terminal.ts';

const doors = realDoors();
const now = 1_700_000_000_000;
const arriving = { masterKey: MASTER_KEY, now };
const works: Partial<Parts> = {
  verify: (at) => verifyAt(at, { masterKey: MASTER_KEY }),
  treeOf: treeAt,
  store: {
    migrate: (at, apply) => migrateStore(at, { now, apply }),
    backup: (at, file) => backupStore(at, file, `${file}.aside`),
    restore: (file, at) => restoreStore(file, at, arriving),
    check: (file) => checkBackup(file, arriving),
    move: (from, to) => moveStore(from, to, arriving),
  },
};

const keyOfFile = async (path: string): Promise<Buffer> =>
  Buffer.from((await readFile(path, 'utf8')).trim(), 'hex');

describe('signalbox store', () => {
  let terminal: Terminal;
  let server: AcmePostgres;
  let shared: readonly string[];
  let directory: string;

  before(async () => {
    terminal = await openTerminal(doors);
    server = await startPostgres({ durable: false });
    await server.createDatabase('sbx');
    await writeFile(join(terminal.folder, 'password'), `${server.password}\n`, { mode: 0o600 });
    const url = `postgresql://${server.user}@127.0.0.1:${server.port}/sbx`;
    shared = ['--store', url, '--store-password-file', 'password'];
    directory = join(terminal.folder, 'data');
    const store = await openStore({ directory, masterKey: MASTER_KEY, doors, soon: setImmediate });
    await store.commit(beginRun('run_a'));
    await store.close();
  });
  after(async () => {
    await server.stop();
    await terminal.close();
  });

  const run = async (...argv: string[]) => {
    const ended = await terminal.run([...argv, '--json'], { parts: works });
    return { code: ended.code, said: JSON.parse(ended.out) as Record<string, never> };
  };

  test('shows what is to be migrated, and waits for a yes', async () => {
    const asked = await run('store', 'migrate', ...shared);
    assert.equal(asked.code, 1);
    assert.equal((asked.said.error as { code: string } | undefined)?.code, 'NOT_CONFIRMED');
    const here = await run('store', 'migrate', '--data-dir', directory);
    assert.deepEqual([here.code, here.said.migrated], [0, false]);
  });

  test('backs up, checks, restores, verifies and moves', async () => {
    const backup = await run('store', 'backup', 'copy', '--data-dir', directory);
    assert.equal(backup.code, 0, JSON.stringify(backup.said));
    const checked = await run('store', 'restore', 'copy', '--check');
    assert.deepEqual([checked.code, checked.said.payloads], [0, 'verified']);
    const restored = await run('store', 'restore', 'copy', ...shared);
    assert.deepEqual([restored.code, restored.said.ok], [0, true]);
    assert.equal(restored.said.ledger, backup.said.ledger);
    const verified = await run('ledger', 'verify', ...shared);
    assert.deepEqual([verified.code, verified.said.ok], [0, true], JSON.stringify(verified.said));
    const again = await run('store', 'restore', 'copy', ...shared);
    assert.equal((again.said.error as { code: string } | undefined)?.code, 'STORE_LOCKED');
    const moved = await run('store', 'move', ...shared, '--to', 'back');
    assert.deepEqual([moved.code, moved.said.ok], [0, true]);
    const nowhere = await run('store', 'move', '--data-dir', directory);
    assert.equal(nowhere.code, 2);
  });

  test('puts a store under a new master key when it is told yes, and restores what is older', async () => {
    const place = join(terminal.folder, 'keyed');
    const at = keyPlace(place, doors);
    await mkdir(place, { mode: 0o700 });
    const masterKey = await masterKeyOf(place, at);
    const store = await openStore({ directory: place, masterKey, doors, soon: setImmediate });
    await store.commit(beginRun('run_a'));
    await store.close();
    const parts: Partial<Parts> = {
      ...works,
      keys: {
        rotate: (whose, source) => rekeyStore(whose, at, source),
        forgetOld: (whose) => forgetOldKey(whose, at),
      },
    };
    const rekey = async (...argv: string[]) =>
      terminal.run(['secret', 'rekey', '--data-dir', place, ...argv, '--json'], { parts });
    assert.match((await rekey()).out, /NOT_CONFIRMED/);
    await run('store', 'backup', 'older', '--data-dir', place);
    const { code, json } = await rekey('--yes');
    assert.deepEqual([code, json.how, json.chains, json.kept], [0, 'new', 2, ['master.key.old']]);
    assert.match((await rekey('--yes')).out, /is still kept/);
    const older = await keyFor(at, () => backupKeyCheck(join(terminal.folder, 'older')));
    assert.deepEqual(Buffer.from(older ?? []), await keyOfFile(join(place, 'master.key.old')));
    assert.deepEqual((await rekey('--forget-old', '--yes')).json.removed, ['master.key.old']);
    assert.match((await rekey('--forget-old', '--source', 'x', '--yes')).out, /are two things/);
  });

  test('a password is taken from a file that nobody else reads, and from nowhere else', async () => {
    const started: StartOptions[] = [];
    const start: Parts['start'] = (options) => {
      started.push(options);
      return Promise.reject(new Error('that is enough'));
    };
    const up = (argv: readonly string[], env = {}) =>
      terminal.run(['up', ...argv, '--json'], { parts: { ...works, start }, env });
    const url = 'postgresql://sbx@db.example/sbx';
    assert.match((await up(['--store', url])).out, /expected the password of the store in a file/);
    assert.match((await up(['--store-ca', 'ca.pem'])).out, /belongs to `--store`/);
    const open = join(terminal.folder, 'open');
    await writeFile(open, 'hunter2');
    await chmod(open, 0o644);
    const read = await up(['--store', url, '--store-password-file', open]);
    assert.match(read.out, /FILE_UNSAFE/);
    assert.equal(started.length, 0);
    await up(['--store', url, '--store-password-file', 'password']);
    const credentials = join(terminal.folder, 'credentials');
    await mkdir(credentials, { mode: 0o700 });
    const name = join(credentials, 'signalbox-store-password');
    await writeFile(name, 'of systemd\n', { mode: 0o400 });
    await up(['--store', url], { CREDENTIALS_DIRECTORY: credentials });
    assert.deepEqual(
      started.map((options) => options.shared),
      [
        { url, password: server.password },
        { url, password: 'of systemd' },
      ],
    );
  });
});
