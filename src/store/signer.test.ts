import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MASTER_KEY, stillDoors, T0 } from '../../test/contract/store-cast.ts';
import { openCheckpoint, verifyDocument } from '../ledger/checkpoint.ts';
import { readVerifier } from '../ledger/signed-note.ts';
import { amountFor, documentSigner } from './signer.ts';
import { openSqliteCore } from './sqlite/core.ts';
import { storeOver } from './sqlite/store.ts';

test('documents are signed by the key that signs checkpoints, which is made when there is none', async () => {
  const doors = stillDoors();
  const { bytes } = doors.entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  const store = storeOver(core, MASTER_KEY, doors);
  const sign = documentSigner({ store, masterKey: MASTER_KEY, clock: doors.clock });
  const report = Buffer.from('{"ok":true}');
  const note = await sign('drill-report', report);
  const key = readVerifier((await store.seal())?.verifier ?? '');
  verifyDocument(key, 'drill-report', report, note);
  assert.throws(() => verifyDocument(key, 'drill-report', Buffer.from('{}'), note), {
    code: 'SIGNATURE_INVALID',
  });
  assert.throws(() => openCheckpoint(note, key), { code: 'NOTE_MALFORMED' });
  assert.equal(await sign('drill-report', report), note, 'the same key');
  const masterKey = new Uint8Array(32);
  const other = documentSigner({ store, masterKey, clock: doors.clock });
  await assert.rejects(other('drill-report', report), { code: 'LEDGER_BROKEN' });
  core.close();
});

test('what is sealed at once ends with a tile whenever more is left', () => {
  assert.equal(amountFor(256, 0, 100), 100);
  assert.equal(amountFor(256, 0, 10_000), 256);
  assert.equal(amountFor(256, 100, 10_000), 156);
  assert.equal(amountFor(600, 100, 10_000), 412);
  assert.equal(amountFor(7, 100, 10_000), 7);
  assert.equal(amountFor(256, 300, 0), 0);
});
