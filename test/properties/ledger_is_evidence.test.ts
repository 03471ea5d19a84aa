import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Checkpoint,
  openCheckpoint,
  recordLeaf,
  type SealedRecord,
} from '../../src/ledger/checkpoint.ts';
import { consistencyProblems, inclusionProblems } from '../../src/ledger/proof.ts';
import { prove, proveConsistency } from '../../src/ledger/prove.ts';
import { readVerifier } from '../../src/ledger/signed-note.ts';
import { rootOf } from '../../src/ledger/tree.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import type { Database } from '../../src/store/sqlite/database.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { forgedKey, regrown, relinked, resigned, unguarded } from '../contract/forger.ts';
import { MASTER_KEY, stillDoors, T0 } from '../contract/store-cast.ts';
import { type Draw, histories, opFor } from './histories.ts';

/*
 * `ledger_is_evidence`: after any history every prefix verifies, replaying the records gives the tables, and any edited
 * byte of any record is found; and what was signed of it shows a cut end and a rewritten history too.
 */

async function history(batches: readonly (readonly Draw[])[]): Promise<SqliteCore> {
  const { bytes } = stillDoors().entropy;
  const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
  for (const batch of batches) {
    core.apply(batch.map((one) => opFor(one, core)));
    const { problems } = await verifyDatabase(core.database, { masterKey: MASTER_KEY });
    assert.deepEqual(problems, [], 'a prefix does not verify, or its replay is not the tables');
  }
  return core;
}

test('ledger_is_evidence: every prefix verifies and replays to the tables', async () => {
  let records = 0;
  await fc.assert(
    fc.asyncProperty(histories, async (batches) => {
      const core = await history([[{ what: 0, n: 0, run: 'run_a', scope: 'all' }], ...batches]);
      records += core.database.one<{ n: number }>('SELECT count(*) AS n FROM events')?.n ?? 0;
      core.close();
    }),
    { numRuns: 120 },
  );
  assert.ok(records > 800, `only ${records} records were made`);
});

test('ledger_is_evidence: any edited byte of any record is found', async () => {
  const batches = fc.sample(histories, { numRuns: 6, seed: 7 }).flat();
  const core = await history([[{ what: 0, n: 0, run: 'run_a', scope: 'all' }], ...batches]);
  const { database } = core;
  database.raw.exec('DROP TRIGGER events_keep_update');
  const rows = database.all<Record<string, string | number>>(
    'SELECT id, chain, seq, at, type, body, previous, hash FROM events',
  );
  const edit = fc.record({
    row: fc.nat(rows.length - 1),
    column: fc.constantFrom('chain', 'seq', 'at', 'type', 'body', 'previous', 'hash'),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    flip: fc.integer({ min: 1, max: 127 }),
  });
  await fc.assert(
    fc.asyncProperty(edit, async ({ row, column, place, flip }) => {
      const { id, [column]: value = '' } = rows[row] ?? {};
      const changed = typeof value === 'number' ? value + flip : flipped(value, place, flip);
      database.raw.exec('BEGIN');
      try {
        database.run(`UPDATE events SET ${column} = ? WHERE id = ?`, changed, Number(id));
        const { ok } = await verifyDatabase(database, { masterKey: null });
        assert.equal(ok, false, `${column} of record ${id}`);
      } catch (error) {
        if (!String(error).includes('UNIQUE')) throw error;
      } finally {
        database.raw.exec('ROLLBACK');
      }
    }),
    { numRuns: 500 },
  );
  core.close();
});

test('ledger_is_evidence: a cut end or a rewritten history, every hash right again, is found by what was signed', async () => {
  const forgery = fc.record({
    batches: histories,
    how: fc.constantFrom('cut', 'rewrite', 'swap', 'resign', 'restore'),
    place: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  });
  const tried = { cut: 0, rewrite: 0, swap: 0, resign: 0, restore: 0 };
  await fc.assert(
    fc.asyncProperty(forgery, async ({ batches, how, place }) => {
      const core = await history([[{ what: 0, n: 0, run: 'run_a', scope: 'all' }], ...batches]);
      core.apply([SEAL]);
      const early = signedBy(core);
      core.apply([note, SEAL]);
      const late = signedBy(core);
      const database = unguarded(core);
      forge(database, how, Math.floor(place * early.size));
      const found: string[] = [];
      if (how === 'restore') {
        const store = storeOver(core, MASTER_KEY, stillDoors());
        const now = putBack(core, early);
        const proof = await proveConsistency(store, early.size, early.size);
        found.push(...consistencyProblems(proof, late, now));
      } else found.push(...(await verifyDatabase(database, { masterKey: null })).problems);
      assert.notDeepEqual(found, [], how);
      tried[how]++;
      core.close();
    }),
    { numRuns: 100 },
  );
  for (const [how, times] of Object.entries(tried)) assert.ok(times > 4, `${how}: ${times}`);
});

test('ledger_is_evidence: every record is sealed once, whatever was sealed when, and its proof holds', async () => {
  let sealed = 0;
  await fc.assert(
    fc.asyncProperty(histories, async (batches) => {
      const core = await history([[{ what: 0, n: 0, run: 'run_a', scope: 'all' }], ...batches]);
      core.apply([SEAL]);
      const checkpoint = signedBy(core);
      const records = core.database.all<SealedRecord>(
        'SELECT chain, seq, hash FROM events ORDER BY id',
      );
      assert.equal(checkpoint.size, records.length);
      assert.ok(checkpoint.root.equals(rootOf(records.map(recordLeaf))));
      const store = storeOver(core, MASTER_KEY, stillDoors());
      for (const { chain, seq } of records.filter((_, at) => at % 3 === 0)) {
        const proof = await prove(store, `${chain}:${seq}`);
        assert.deepEqual(inclusionProblems(proof, checkpoint), []);
        sealed++;
      }
      core.close();
    }),
    { numRuns: 40 },
  );
  assert.ok(sealed > 100, `${sealed}`);
});

const SEAL = { kind: 'ledger.seal', most: 1_000, sign: true, at: T0 } as const;
const note = { kind: 'system.note', type: 'later', body: {}, at: T0 } as const;

function signedBy({ database }: SqliteCore): Checkpoint {
  const row = database.one<{ verifier: string; checkpoint: string }>(
    'SELECT verifier, checkpoint FROM tree',
  );
  return openCheckpoint(row?.checkpoint ?? '', readVerifier(row?.verifier ?? ''));
}

/** What somebody with the file and without the key can do; every hash is right again afterwards. */
function forge(database: Database, how: string, place: number): void {
  if (how === 'restore') return;
  if (how === 'cut') {
    const last = `(SELECT max(id) FROM events)`;
    database.raw.exec(
      `DELETE FROM payloads WHERE id = ${last}; DELETE FROM events WHERE id = ${last}`,
    );
  } else if (how === 'swap') {
    const { level, hashes } = database.one<{ level: number; hashes: Uint8Array }>(
      'SELECT level, hashes FROM tiles ORDER BY level LIMIT 1',
    ) ?? { level: 0, hashes: new Uint8Array() };
    const at = 32 * Math.floor(((place * 32) % hashes.length) / 32);
    const other = Uint8Array.from(hashes);
    other.set(hashes.subarray(0, 32), at);
    other.set(hashes.subarray(at, at + 32), 0);
    if (at === 0) other[0] = (other[0] ?? 0) ^ 1;
    database.run('UPDATE tiles SET hashes = ? WHERE level = ?', other, level);
    return;
  } else {
    database.run('UPDATE events SET at = at + 1 WHERE id = ?', place + 1);
    relinked(database);
  }
  const edge = regrown(database);
  if (how === 'resign') resigned(database, edge, forgedKey(database));
}

/** Everything as it was when the earlier checkpoint was signed, which then verifies; the later one is kept elsewhere. */
function putBack({ database }: SqliteCore, early: Checkpoint): Checkpoint {
  database.run('DELETE FROM payloads WHERE id > ?', early.size);
  database.run('DELETE FROM events WHERE id > ?', early.size);
  regrown(database);
  return early;
}

function flipped(text: string, place: number, flip: number): string {
  const bytes = Buffer.from(text);
  const at = Math.floor(place * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ flip;
  return bytes.toString('latin1');
}
