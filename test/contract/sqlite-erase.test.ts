import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Op } from '../../src/domain/ops.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { openReader } from '../../src/store/sqlite/database.ts';
import { beginRun, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

const ERASE: Op = { kind: 'ledger.erase', runId: 'run_a', reason: 'the law', by: 'dana', at: T0 };
const NOTE: Op = { kind: 'system.note', type: 'a.note', body: {}, at: T0 };

test('an erased key leaves the write-ahead log once its last reader has gone', (t) => {
  const file = place(t);
  const core = open(file);
  t.after(() => core.close());
  core.apply([beginRun('run_a')]);
  const wrapped = keyOf(core);
  const reader = openReader(file);
  reader.run('BEGIN');
  reader.one('SELECT count(*) FROM events');
  core.apply([ERASE]);
  assert.ok(holds(file, wrapped), 'the reader still sees the run, so its key is somewhere');
  core.apply([NOTE]);
  reader.run('COMMIT');
  reader.close();
  core.apply([NOTE]);
  assert.ok(!holds(file, wrapped), 'the key is still in the file or its log');
});

test('what a killed process left in the log goes with the first record of the next', (t) => {
  const file = place(t);
  const first = open(file);
  first.apply([beginRun('run_a')]);
  const wrapped = keyOf(first);
  const reader = openReader(file);
  reader.run('BEGIN');
  reader.one('SELECT count(*) FROM events');
  first.apply([ERASE]);
  first.close();
  const next = open(file);
  t.after(() => next.close());
  reader.run('COMMIT');
  reader.close();
  assert.ok(holds(file, wrapped));
  next.apply([NOTE]);
  assert.ok(!holds(file, wrapped));
});

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-erase-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'signalbox.db');
}

function open(file: string): SqliteCore {
  const { bytes } = stillDoors().entropy;
  return openSqliteCore({ file, masterKey: MASTER_KEY, bytes, at: T0 });
}

function keyOf({ database }: SqliteCore): Uint8Array {
  const sql = `SELECT wrapped FROM chain_keys WHERE chain = 'run_a'`;
  return database.one<{ wrapped: Uint8Array }>(sql)?.wrapped ?? new Uint8Array();
}

function holds(file: string, bytes: Uint8Array): boolean {
  return [file, `${file}-wal`].some((name) => readFileSync(name).includes(Buffer.from(bytes)));
}
