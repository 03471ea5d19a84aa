import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleSource } from '../../src/broker/bundles.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { applyBundle, BUNDLE_1, bundleNamed, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

const edits: readonly string[] = [
  `UPDATE bundles SET body = json_set(body, '$.approvalMinutes', 9999)`,
  `UPDATE bundles SET body = json_set(body, '$.grants', json('[{"agent":"a","tool":"b","rung":"read"}]'))`,
  `UPDATE bundles SET body = json_set(body, '$.digest', 'mine')`,
  `UPDATE bundles SET body = json_set(body, '$.tools.wipe', json('{}'))`,
];

test('the active bundle is the one that was applied', async () => {
  const { core, active } = await applied();
  assert.deepEqual(await active(), bundleNamed('bundle_1'));
  core.close();
});

for (const sql of edits) {
  test(`after ${sql} nothing is decided by it`, async () => {
    const { core, active } = await applied();
    core.database.run(sql);
    await assert.rejects(active(), { code: 'LEDGER_BROKEN' });
    core.close();
  });
}

test('another bundle under its digest is not taken for it', async () => {
  const { core, active } = await applied();
  core.database.run(
    'UPDATE bundles SET body = ? WHERE digest = ?',
    JSON.stringify(bundleNamed('other')),
    BUNDLE_1,
  );
  await assert.rejects(active(), { code: 'LEDGER_BROKEN' });
  core.close();
});

async function applied(): Promise<{ core: SqliteCore; active: () => Promise<unknown> }> {
  const doors = stillDoors();
  const { bytes } = doors.entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  const store = storeOver(core, MASTER_KEY, doors);
  assert.deepEqual(await store.commit(applyBundle('bundle_1')), { ok: true });
  return { core, active: bundleSource(store).active };
}
