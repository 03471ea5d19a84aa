import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { LedgerSeal } from '../../src/domain/ops.ts';
import { openCheckpoint, recordLeaf, type SealedRecord } from '../../src/ledger/checkpoint.ts';
import { consistencyProblems } from '../../src/ledger/proof.ts';
import { proveConsistency } from '../../src/ledger/prove.ts';
import { readVerifier } from '../../src/ledger/signed-note.ts';
import { rootOf } from '../../src/ledger/tree.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { forgedKey, regrown, relinked, resigned, unguarded } from './forger.ts';
import { beginRun, MASTER_KEY, stillDoors, T0 } from './store-cast.ts';
import { everyKind } from './store-everything.ts';

const SEAL: LedgerSeal = { kind: 'ledger.seal', most: 1_000, sign: false, at: T0 };

function opened(file = ':memory:', seed = 'store'): SqliteCore {
  const { bytes } = stillDoors(seed).entropy;
  return openSqliteCore({ file, masterKey: MASTER_KEY, bytes, at: T0 });
}

/** A sealed day, and the face by which its checkpoints are asked about. */
async function day(
  file = ':memory:',
): Promise<{ core: SqliteCore; store: ReturnType<typeof storeOver> }> {
  const core = opened(file);
  const store = storeOver(core, MASTER_KEY, stillDoors());
  await everyKind(store);
  core.apply([SEAL]);
  return { core, store };
}

const problems = async (core: SqliteCore): Promise<readonly string[]> =>
  (await verifyDatabase(core.database, { masterKey: null })).problems;

function newest(core: SqliteCore) {
  const { verifier, checkpoint } = core.database.one<{ verifier: string; checkpoint: string }>(
    'SELECT verifier, checkpoint FROM tree',
  ) ?? { verifier: '', checkpoint: '' };
  const key = readVerifier(verifier);
  return { key, note: checkpoint, checkpoint: openCheckpoint(checkpoint, key) };
}

describe('somebody writes to a sealed ledger', () => {
  test('an end cut off is found, though every chain that is left holds', async () => {
    const { core } = await day();
    const { id = 0 } =
      core.database.one<{ id: number }>(
        `SELECT max(id) AS id FROM events WHERE type <> 'ledger.keyed'`,
      ) ?? {};
    unguarded(core).raw.exec(`DELETE FROM payloads WHERE id >= ${id};
      DELETE FROM events WHERE id >= ${id}`);
    assert.match(
      (await problems(core)).join('\n'),
      /tree: expected \d+ records in the tree, found/,
    );
  });

  test('a rewritten history is found by the tiles, then by the checkpoint, then by the key', async () => {
    const { core } = await day();
    const kept = newest(core);
    const database = unguarded(core);
    database.raw.exec(`UPDATE events SET at = at + 1 WHERE type = 'ledger.created'`);
    assert.match((await problems(core)).join('\n'), /: hash: /);
    relinked(database);
    const afterChains = await problems(core);
    assert.ok(afterChains.length > 0);
    assert.deepEqual(
      afterChains.filter((problem) => !/^the ledger: (tree|checkpoint)/.test(problem)),
      [],
    );
    const edge = regrown(database);
    assert.match((await problems(core)).join('\n'), /^the ledger: checkpoint: expected root/);
    const key = forgedKey(database);
    resigned(database, edge, key, true);
    assert.match((await problems(core)).join('\n'), /checkpoint: expected a note of/);
    resigned(database, edge, key);
    assert.match(
      (await problems(core)).join('\n'),
      /expected a note that the key of this ledger signed/,
    );
    database.run('UPDATE tree SET verifier = ?', key.verifier);
    assert.match((await problems(core)).join('\n'), /the key of the ledger: `key` is/);
    // With the record of the key forged too the ledger holds by itself: whoever kept the key knows better.
    database.run(
      `UPDATE events SET body = json_set(body, '$.key', ?) WHERE type = 'ledger.keyed'`,
      key.verifier,
    );
    relinked(database);
    resigned(database, regrown(database), key);
    assert.deepEqual(await problems(core), []);
    assert.throws(() => openCheckpoint(newest(core).note, kept.key), { code: 'SIGNATURE_INVALID' });
  });

  test('a leaf that was swapped, a tile taken away or added, is found with its record', async () => {
    const { core } = await day();
    const database = unguarded(core);
    const swap = `UPDATE tiles SET hashes = CAST(substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65) AS BLOB)`;
    const changes = [swap, 'DELETE FROM tiles', `INSERT INTO tiles VALUES (4, 9, zeroblob(32))`];
    for (const sql of changes) {
      database.raw.exec('BEGIN');
      database.run(sql);
      const found = (await problems(core)).join('\n');
      database.raw.exec('ROLLBACK');
      assert.match(found, /^the ledger: tree: expected/, sql);
      if (sql === swap) assert.match(found, /record 1 of `system` as leaf 0/);
    }
    database.raw.exec(`UPDATE events SET id = -1 WHERE id = 3; UPDATE events SET id = 3 WHERE id = 4;
      UPDATE events SET id = 4 WHERE id = -1`);
    assert.match((await problems(core)).join('\n'), /tree: expected record \d+ of `\w+` as leaf 2/);
  });

  test('an older checkpoint put back is found, unless everything is put back with it', async () => {
    const { core, store } = await day();
    const early = newest(core);
    await store.commit(beginRun('run_late'));
    core.apply([SEAL]);
    const late = newest(core);
    const database = unguarded(core);
    database.run('UPDATE tree SET checkpoint = ?', early.note);
    assert.match((await problems(core)).join('\n'), /checkpoint: expected a note of/);
    const size = early.checkpoint.size;
    database.run(
      'UPDATE tree SET signed_size = ?, signed_root = ?',
      size,
      early.checkpoint.root.toString('base64'),
    );
    assert.deepEqual(await problems(core), [], 'it is under an older checkpoint, as it once was');
    database.raw.exec(`DELETE FROM payloads WHERE id > ${size}; DELETE FROM events WHERE id > ${size};
      DELETE FROM chain_keys WHERE chain = 'run_late'; DELETE FROM runs WHERE id = 'run_late'`);
    regrown(database);
    assert.deepEqual(await problems(core), [], 'the ledger as it was');
    const now = newest(core).checkpoint;
    const proof = await proveConsistency(store, size);
    assert.deepEqual(consistencyProblems(proof, early.checkpoint, now), []);
    assert.match(
      consistencyProblems(proof, late.checkpoint, now).join(),
      /records were signed, now there are \d+: the end was cut off/,
    );
  });

  test('a rewritten beginning does not continue a kept checkpoint', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-seals-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'rewritten.db');
    const { core: before } = await day(file);
    const kept = newest(before).checkpoint;
    const database = unguarded(before);
    database.raw.exec(`UPDATE events SET at = at + 1 WHERE type = 'ledger.created'`);
    relinked(database);
    regrown(database);
    before.close();
    const core = opened(file, 'after');
    core.apply([beginRun('run_late'), SEAL]);
    const store = storeOver(core, MASTER_KEY, stillDoors());
    const proof = await proveConsistency(store, kept.size);
    assert.match(
      consistencyProblems(proof, kept, newest(core).checkpoint).join(),
      /were rewritten/,
    );
  });

  test('the database itself refuses to take back what was sealed', async () => {
    const { core } = await day();
    for (const sql of [
      'DELETE FROM tree',
      'DELETE FROM tiles',
      'UPDATE tree SET size = size - 1, signed_size = signed_size - 1',
      `UPDATE tree SET signed_root = 'another'`,
      `UPDATE tree SET verifier = 'mine'`,
      'UPDATE tiles SET hashes = substr(hashes, 1, length(hashes) - 32)',
      'UPDATE tiles SET hashes = zeroblob(length(hashes))',
    ])
      assert.throws(() => core.database.run(sql), /sealed stays sealed|only grow|CHECK/, sql);
  });
});

describe('a crash between two seals', () => {
  test('loses no record and seals none twice', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-seals-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'crash.db');
    for (let life = 0; life < 6; life++) {
      const core = opened(file, `life ${life}`);
      for (let n = 0; n < 80; n++) core.apply([beginRun(`run_${life}_${n}`)]);
      // Dies after some pieces, before the last; the edge of the tree is only in memory.
      core.apply([{ ...SEAL, most: 50, sign: life % 2 === 0 }]);
      core.apply([{ ...SEAL, most: 7 }, beginRun(`run_${life}_more`)]);
      core.close();
    }
    const core = opened(file, 'last');
    core.apply([SEAL]);
    assert.deepEqual(await problems(core), []);
    const all = core.database.all<SealedRecord>('SELECT chain, seq, hash FROM events ORDER BY id');
    const { size, root } = newest(core).checkpoint;
    assert.equal(size, all.length);
    assert.ok(root.equals(rootOf(all.map(recordLeaf))));
    core.close();
  });

  test('a commit that is taken back takes the seal back, key included', async () => {
    const core = opened();
    const store = storeOver(core, MASTER_KEY, stillDoors());
    await everyKind(store);
    const twice = beginRun('run_twice');
    // The second one fails in writing, so that everything before it is done again by itself.
    const bad = { ...twice, run: { ...twice.run, id: 'run_bad', depth: -1 } };
    const applied = core.apply([SEAL, twice, bad, SEAL]);
    assert.ok('fault' in (applied[2] ?? {}));
    assert.deepEqual(await problems(core), []);
    const fresh = opened(':memory:', 'fresh');
    const [first, second] = fresh.apply([SEAL, { ...bad, run: { ...bad.run, root: 'run_bad' } }]);
    assert.ok('result' in (first ?? {}) && 'fault' in (second ?? {}));
    assert.deepEqual(await problems(fresh), []);
    fresh.apply([beginRun('run_a'), SEAL]);
    assert.deepEqual(await problems(fresh), []);
  });

  test('a hole in the records stops the sealer of a later process, not the calls', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-seals-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'hole.db');
    const { core, store } = await day(file);
    await store.commit(beginRun('run_x'));
    await store.commit(beginRun('run_y'));
    const { size = 0 } = (await store.seal()) ?? {};
    unguarded(core).raw.exec(`DELETE FROM events WHERE id = ${size + 1}`);
    core.close();
    const later = storeOver(opened(file, 'later'), MASTER_KEY, stillDoors());
    await assert.rejects(later.commit(SEAL), { code: 'LEDGER_BROKEN' });
    assert.ok((await later.commit(beginRun('run_z'))).ok);
  });

  test('what its writer still remembers is sealed as it was written, so that a hole is found', async () => {
    const { core, store } = await day();
    await store.commit(beginRun('run_x'));
    const { size = 0 } = (await store.seal()) ?? {};
    unguarded(core).raw.exec(`DELETE FROM events WHERE id = ${size + 1}`);
    assert.ok((await store.commit(SEAL)).ok);
    assert.notDeepEqual(await problems(core), []);
  });
});
