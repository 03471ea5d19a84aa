import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { effectVector } from '../../src/domain/effect.ts';
import type { Op } from '../../src/domain/ops.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import { verifyDatabase } from '../../src/store/sqlite/evidence.ts';
import {
  action,
  admit,
  applyBundle,
  beginRun,
  calls,
  DONE,
  MASTER_KEY,
  park,
  READ,
  raise,
  runToken,
  scopes,
  settle,
  stillDoors,
  T0,
} from '../contract/store-cast.ts';

/*
 * `ledger_is_evidence`: after any history every prefix verifies, replaying the records gives the tables, and any edited
 * byte of any record is found.
 */

const REFUSED = { kind: 'refused', refusal: { code: 'MEASURED', reasons: [] } } as const;
const RUNS = ['run_a', 'run_b'];
const SCOPES = ['all', 'run:run_a', 'agent:support', 'tool:set_plan', 'tool:other'];

/** Ops that may or may not fit the moment: a stamp is guessed, an id may be taken, a run may be over. */
const draw = fc.record({
  what: fc.integer({ min: 0, max: 15 }),
  n: fc.integer({ min: 0, max: 5 }),
  run: fc.constantFrom(...RUNS),
  scope: fc.constantFrom(...SCOPES),
});
type Draw = typeof draw extends fc.Arbitrary<infer D> ? D : never;

function opFor({ what, n, run, scope }: Draw, core: SqliteCore): Op {
  const at = T0 + n;
  const act = action(`act_${run}_${n}`, run, { arguments: { n } });
  const stamp = core.database.one<{ halt: number; bundle: string }>(
    'SELECT halt, bundle FROM control',
  ) ?? { halt: 0, bundle: 'none' };
  const told = { halt: stamp.halt, bundle: stamp.bundle };
  const ops: (() => Op)[] = [
    () => beginRun(run),
    () => runToken(`hash_${run}_${n}`, run),
    () => admit(act, { stamp: told, reservations: [calls('k', 6, n), calls('j', 3, n)] }),
    () => admit(act, { stamp: told, approvalId: `ask_${run}_${n}` }),
    () => ({
      kind: 'action.mark',
      actionId: act.id,
      runId: run,
      trace: { n },
      measured: null,
      leaseId: null,
      scopes: scopes(act),
      at,
    }),
    () => settle(act, { settlement: DONE, posted: null }),
    () => settle(act, { settlement: { kind: 'unknown', message: 'm' }, posted: null }),
    () => ({
      kind: 'action.decline',
      action: { ...act, id: `no_${act.id}` },
      as: 'denied',
      measured: null,
      at,
    }),
    () => park(`ask_${run}_${n}`, { ...act, id: `asked_${act.id}` }, { halt: told.halt }),
    () => ({
      kind: 'approval.answer',
      approvalId: `ask_${run}_${n}`,
      answer: 'approved',
      by: 'dana',
      because: '',
      at,
    }),
    () => ({ ...raise(scope), at }),
    () => ({ kind: 'halt.lift', scope, reason: '', by: 'dana', at }),
    () => applyBundle(`bundle_${n}`, told.bundle),
    () => ({ kind: 'run.end', runId: run, why: 'over', at }),
    () => ({ kind: 'ledger.erase', runId: run, reason: 'the law', by: 'dana', at }),
    () =>
      admit(action(`read_${run}_${n}`, run, { decision: READ, arguments: { n } }), {
        stamp: told,
        reservations: [calls('k', 6, n), calls('j', 3, n)],
        outcome: {
          settlement: n === 3 ? REFUSED : n === 4 ? { kind: 'unknown', message: 'm' } : DONE,
          posted: effectVector({ calls: n }),
        },
      }),
  ];
  return (ops[what] ?? (() => beginRun(run)))();
}

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

const histories = fc.array(fc.array(draw, { minLength: 2, maxLength: 8 }), {
  minLength: 3,
  maxLength: 8,
});

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
