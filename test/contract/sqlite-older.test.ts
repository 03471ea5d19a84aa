import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { effectVector } from '../../src/domain/effect.ts';
import { canonical } from '../../src/domain/json.ts';
import { type Head, link } from '../../src/ledger/chain.ts';
import { sealPayload, unwrapChainKey, wrappingKey } from '../../src/ledger/seal.ts';
import { why } from '../../src/ledger/why.ts';
import { MIGRATIONS } from '../../src/store/migrations/all.ts';
import { openWriter } from '../../src/store/sqlite/database.ts';
import { verifyStore } from '../../src/store/sqlite/evidence.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import {
  action,
  admit,
  beginRun,
  calls,
  DONE,
  MASTER_KEY,
  READ,
  stillDoors,
  T0,
} from './store-cast.ts';

/** The same rows in the first schema: what later steps added is left behind. */
function asOfFirstSchema(file: string): void {
  const first = `${file}.first`;
  const database = openWriter(first);
  migrate(database, T0, MIGRATIONS.slice(0, 1));
  const { raw } = database;
  raw.exec(`PRAGMA foreign_keys = OFF; ATTACH '${file}' AS newer`);
  const tables = database.all<{ name: string }>(
    `SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'migrations'`,
  );
  for (const { name } of tables) {
    const columns = database
      .all<{ name: string }>(`SELECT name FROM pragma_table_info('${name}', 'main')`)
      .map((column) => column.name);
    raw.exec(`INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM newer.${name}`);
  }
  raw.exec('DETACH newer');
  database.close();
  renameSync(first, file);
}

/** A read as the first version recorded it: an intent with every verdict, an outcome, and a row of `actions`. */
function readOfOld(file: string): void {
  asOfFirstSchema(file);
  const database = new DatabaseSync(file);
  const { wrapped } = database
    .prepare(`SELECT wrapped FROM chain_keys WHERE chain = 'run_a'`)
    .get() as {
    wrapped: Uint8Array;
  };
  const key = unwrapChainKey(wrappingKey(MASTER_KEY), 'run_a', wrapped);
  const { bytes } = stillDoors('older').entropy;
  const append = (type: string, body: object, payload: object): void => {
    const head = database
      .prepare(`SELECT seq, hash FROM events WHERE chain = 'run_a' ORDER BY seq DESC LIMIT 1`)
      .get() as unknown as Head;
    const sealed = sealPayload(key, { chain: 'run_a', seq: head.seq + 1 }, payload, bytes);
    const text = canonical({ ...body, v: 1, sealed: sealed.commitment });
    const event = link(head, { chain: 'run_a', at: T0, type, body: text });
    const { lastInsertRowid } = database
      .prepare(
        `INSERT INTO events (chain, seq, at, type, body, previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run('run_a', event.seq, T0, type, text, event.previous, event.hash);
    database.prepare('INSERT INTO payloads VALUES (?, ?)').run(lastInsertRowid, sealed.sealed);
  };
  const own = action('act_old', 'run_a', { decision: READ });
  const { tool, toolDigest, connection, purpose, via } = own;
  append(
    'action.intent',
    {
      ...{ action: own.id, tool, toolDigest, connection, purpose, via, mode: 'auto' },
      nature: READ.nature,
      verdicts: [{ check: 'halt', ceiling: 'auto', code: 'OK' }],
      stamp: { halt: 0, bundle: 'none' },
      reservations: [calls('k', 9)],
      ...{ approval: null, lease: null, code: 'A100I' },
    },
    { arguments: { id: 7 }, reasons: [{ check: 'halt', reason: 'nothing against it' }] },
  );
  append(
    'action.outcome',
    {
      ...{ action: own.id, outcome: 'done', because: null, measured: null, by: 'act' },
      ...{ posted: effectVector({ calls: 1 }), code: 'A300I' },
    },
    { result: { text: 'one row', cut: [] } },
  );
  database.exec(`UPDATE runs SET actions = 1;
    INSERT INTO usage VALUES ('k', 'calls', 1, 0);
    INSERT INTO actions (id, run_id, root, tool, tool_digest, connection, purpose, state, halt,
      bundle, reservations, at, settled_at) VALUES ('act_old', 'run_a', 'run_a', '${tool}',
      '${toolDigest}', '${connection}', 'execute', 'done', 0, 'none',
      '[{"key":"k","dimension":"calls","amount":1}]', ${T0}, ${T0})`);
  database.close();
}

test('a store of the first schema, with records of the first versions, is opened and goes on', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-older-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const open = () =>
    openSqliteStore({ directory, masterKey: MASTER_KEY, doors: stillDoors(String(process.pid)) });
  const first = await open();
  await first.commit(beginRun('run_a'));
  await first.close();
  readOfOld(join(directory, 'signalbox.db'));

  const store = await open();
  const outcome = { settlement: DONE, posted: effectVector({ calls: 1 }) };
  const read = admit(action('act_new', 'run_a', { decision: READ }), {
    reservations: [calls('k', 9)],
    outcome,
  });
  assert.deepEqual(await store.commit(read), { ok: true });
  assert.deepEqual(await store.commit(admit(action('act_w', 'run_a'))), { ok: true });
  for (const id of ['act_old', 'act_new', 'act_w'])
    assert.equal(await store.runOf(id), 'run_a', id);
  const told = (await why(store, 'act_old'))?.lines.join('\n') ?? '';
  assert.match(told, /halt: OK: nothing against it/);
  assert.match(told, /outcome {3}done/);
  assert.deepEqual(await store.usage(['k']), [
    { key: 'k', dimension: 'calls', posted: 2, pending: 0 },
  ]);
  await store.close();
  // its beginning was recorded by this version, which says whose the run is
  const database = new DatabaseSync(join(directory, 'signalbox.db'));
  database.prepare(`UPDATE runs SET replica = ? WHERE id = 'run_a'`).run(first.replica);
  database.close();
  assert.deepEqual((await verifyStore({ directory, masterKey: MASTER_KEY })).problems, []);
});
