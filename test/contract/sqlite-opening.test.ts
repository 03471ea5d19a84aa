import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import type { Migration } from '../../src/store/migrations/migration.ts';
import { Database, openWriter, requireSoundSqlite } from '../../src/store/sqlite/database.ts';
import { verifyStore } from '../../src/store/sqlite/evidence.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { action, admit, beginRun, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-open-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'data');
}

const opened = (directory: string, more: { masterKey?: Uint8Array; maxBytes?: number } = {}) =>
  openSqliteStore({ directory, masterKey: MASTER_KEY, doors: stillDoors(), ...more });

describe('opening', () => {
  test('makes files that only their owner reads', async (t) => {
    const directory = temporary(t);
    const store = await opened(directory);
    await store.commit(beginRun('run_a'));
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    for (const file of ['signalbox.db', 'signalbox.db-wal', 'signalbox.lock'])
      assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
    await store.close();
  });

  test('writes through to the disk, and zeroes what it deletes', (t) => {
    const directory = temporary(t);
    mkdirSync(directory);
    const database = openWriter(join(directory, 'signalbox.db'));
    const pragmas = {
      journal_mode: 'wal',
      synchronous: 2,
      fullfsync: 1,
      foreign_keys: 1,
      secure_delete: 1,
    };
    for (const [name, value] of Object.entries(pragmas))
      assert.equal(Object.values(database.one(`PRAGMA ${name}`) ?? {})[0], value, name);
    database.close();
  });

  test('comes back as it was left, even with another seed', async (t) => {
    const directory = temporary(t);
    const store = await opened(directory);
    await store.commit(beginRun('run_a'));
    await store.close();
    const again = await openSqliteStore({
      directory,
      masterKey: MASTER_KEY,
      doors: stillDoors('another'),
    });
    assert.equal((await again.run('run_a'))?.intent, 'the intent of run_a');
    assert.deepEqual(await again.commit(admit(action('act_a', 'run_a'))), { ok: true });
    assert.equal((await again.timeline('run_a')).length, 2);
    await again.close();
    assert.equal((await verifyStore({ directory, masterKey: MASTER_KEY })).ok, true);
  });

  test('refuses the key of another store, and a key of the wrong size', async (t) => {
    const directory = temporary(t);
    await (await opened(directory)).close();
    const other = new Uint8Array(32).fill(8);
    await assert.rejects(opened(directory, { masterKey: other }), { code: 'MASTER_KEY' });
    await assert.rejects(opened(directory, { masterKey: new Uint8Array(16) }), RangeError);
    await (await opened(directory)).close();
  });

  test('refuses what is no database, and a directory it cannot make', async (t) => {
    const directory = temporary(t);
    await (await opened(directory)).close();
    writeFileSync(
      join(directory, 'signalbox.db'),
      'no database at all, but long enough'.repeat(99),
    );
    await assert.rejects(opened(directory), { code: 'STORE_DOWN' });
    const file = join(directory, 'signalbox.db');
    await assert.rejects(opened(join(file, 'below')), { code: 'STORE_DOWN' });
    const nowhere = { directory: join(directory, 'nowhere'), masterKey: null };
    await assert.rejects(verifyStore(nowhere), { code: 'STORE_DOWN' });
  });

  test('refuses a SQLite that can damage its log', () => {
    for (const good of ['3.51.3', '3.51.10', '3.52.0', '4.0.0']) requireSoundSqlite(good);
    for (const bad of ['3.51.2', '3.50.9', '3.7.17', '2.9.9', ''])
      assert.throws(() => requireSoundSqlite(bad), { code: 'STORE_DOWN' }, bad);
  });
});

describe('schema', () => {
  const step = (number: number, sqlite: string): Migration => ({
    number,
    name: `step ${number}`,
    breaking: false,
    sqlite,
    postgres: '',
  });
  const one = step(1, 'CREATE TABLE a (x INTEGER) STRICT');
  const two = step(2, 'CREATE TABLE b (x INTEGER) STRICT');
  const memory = () => new Database(new DatabaseSync(':memory:'));

  test('takes the steps that are missing, once', () => {
    const database = memory();
    migrate(database, T0, [one]);
    migrate(database, T0 + 1, [one, two]);
    migrate(database, T0 + 2, [one, two]);
    assert.deepEqual(
      database.all<{ at: number }>('SELECT at FROM migrations').map(({ at }) => at),
      [T0, T0 + 1],
    );
    database.run('INSERT INTO b VALUES (1)');
  });

  test('refuses a newer schema, and an edited step', () => {
    const database = memory();
    migrate(database, T0, [one, two]);
    assert.throws(() => migrate(database, T0, [one]), { code: 'STORE_NEWER' });
    const edited = step(2, 'CREATE TABLE c (x INTEGER) STRICT');
    assert.throws(() => migrate(database, T0, [one, edited]), { code: 'STORE_DOWN' });
  });

  test('a step that fails leaves nothing of itself', () => {
    const database = memory();
    const broken = step(2, 'CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE b (x INTEGER) STRICT');
    assert.throws(() => migrate(database, T0, [one, broken]));
    migrate(database, T0, [one, two]);
  });

  test('a store of a newer program is not opened, nor verified', async (t) => {
    const directory = temporary(t);
    await (await opened(directory)).close();
    const raw = new DatabaseSync(join(directory, 'signalbox.db'));
    raw.exec(`INSERT INTO migrations VALUES (99, 'from the future', 'x', 1, 0)`);
    raw.close();
    await assert.rejects(opened(directory), { code: 'STORE_NEWER' });
    await assert.rejects(verifyStore({ directory, masterKey: null }), { code: 'STORE_NEWER' });
  });
});

describe('failing', () => {
  test('a full disk ends the store for good, and loses nothing acknowledged', async (t) => {
    const directory = temporary(t);
    const store = await opened(directory, { maxBytes: 600_000 });
    await store.commit(beginRun('run_a'));
    const filler = { text: 'x'.repeat(9_000) };
    const results = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) =>
        store.commit(
          admit(action(`act_${index}`, 'run_a', { arguments: filler, argumentsDigest: 'x' })),
        ),
      ),
    );
    const kept = results.filter(({ status }) => status === 'fulfilled').length;
    for (const result of results.slice(kept))
      assert.equal(result.status === 'rejected' && result.reason.code, 'STORE_DOWN');
    const down = { code: 'STORE_DOWN' };
    await assert.rejects(store.commit(beginRun('run_b')), down);
    await assert.rejects(store.haltState(), down);
    await store.close();
    const again = await opened(directory);
    assert.equal((await again.openActions()).length, kept);
    await again.close();
    assert.deepEqual((await verifyStore({ directory, masterKey: MASTER_KEY })).problems, []);
  });
});
