import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import { MASTER_KEY, stillDoors, T0 } from '../contract/store-cast.ts';
import { type Draw, histories, opFor } from './histories.ts';

/*
 * `ledger_is_evidence`: after any history every prefix verifies, replaying the records gives the tables, and any edited
 * byte of any record is found.
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

function flipped(text: string, place: number, flip: number): string {
  const bytes = Buffer.from(text);
  const at = Math.floor(place * bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ flip;
  return bytes.toString('latin1');
}
