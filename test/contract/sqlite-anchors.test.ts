import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GENESIS, hashOf } from '../../src/ledger/chain.ts';
import { wrappingKey } from '../../src/ledger/seal.ts';
import type { Break, StoredRecord } from '../../src/ledger/verify.ts';
import { Chains } from '../../src/store/sqlite/chains.ts';
import { MASTER_KEY, stillDoors, T0 } from './store-cast.ts';
import { Victim } from './victim.ts';

describe('anchors of runs', () => {
  for (const run of ['run_a', 'run_b', 'run_c']) {
    test(`\`${run}\` taken out whole, with everything renumbered, is found`, async () => {
      const victim = await Victim.open();
      takeOut(victim, `chain = '${run}'`);
      const breaks = await chainBreaks(victim);
      assert.deepEqual(
        breaks.map(({ fault, expected }) => [fault, expected]),
        [['missing', `the chain of run \`${run}\``]],
      );
      victim.core.close();
    });
  }

  test('the end of an ended run cut off, with everything renumbered, is found', async () => {
    const victim = await Victim.open();
    const { database } = victim.core;
    const ended = database.one<{ chain: string; seq: number }>(
      `SELECT chain, seq FROM events WHERE type = 'run.ended'`,
    );
    takeOut(victim, `chain = '${ended?.chain}' AND seq >= ${ended?.seq}`);
    const breaks = await chainBreaks(victim);
    assert.deepEqual(
      breaks.map(({ chain, fault }) => [chain, fault]),
      [[ended?.chain, 'anchor']],
    );
    victim.core.close();
  });

  const rewritten: readonly [string, string][] = [
    ['its beginning', 'seq >= 1'],
    ['its end', `type = 'run.ended'`],
  ];
  for (const [what, where] of rewritten) {
    test(`an ended run written anew from ${what} on is found`, async () => {
      const victim = await Victim.open();
      const { database } = victim.core;
      const run = database.one<{ chain: string }>(
        `SELECT chain FROM events WHERE type = 'run.ended'`,
      )?.chain;
      relink(victim, String(run), where);
      const breaks = await chainBreaks(victim);
      assert.deepEqual(
        breaks.map(({ chain, fault }) => [chain, fault]),
        [[run, 'anchor']],
      );
      victim.core.close();
    });
  }

  test('a run that the system chain does not know is found', async () => {
    const victim = await Victim.open();
    const { bytes } = stillDoors('forger').entropy;
    const chains = new Chains(victim.core.database, wrappingKey(MASTER_KEY), bytes);
    chains.append({ chain: 'run_z', type: 'run.begun', at: T0, body: { root: 'run_z' } });
    assert.deepEqual(
      (await victim.verify()).breaks.map(({ chain, fault }) => [chain, fault]),
      [['run_z', 'anchor']],
    );
    victim.core.close();
  });
});

/** What the chains show by themselves; that the tree shows it too is seen on the way. */
async function chainBreaks(victim: Victim): Promise<readonly Break[]> {
  const { breaks } = await victim.verify();
  const tree = breaks.filter(({ fault }) => fault === 'tree' || fault === 'checkpoint');
  assert.notEqual(tree.length, 0, 'the tree shows nothing');
  return breaks.filter((one) => !tree.includes(one));
}

/** Records and payloads gone, and the places of the others without a gap. */
function takeOut({ core: { database } }: Victim, where: string): void {
  const place = (table: string): string =>
    `UPDATE ${table} SET id = (SELECT count(*) FROM events e WHERE e.id <= ${table}.id)`;
  database.raw.exec(`DELETE FROM payloads WHERE id IN (SELECT id FROM events WHERE ${where});
    DELETE FROM events WHERE ${where}; ${place('payloads')}; ${place('events')}`);
}

/** Moves the time of the records of a run that `where` names, and links the chain again so that it holds by itself. */
function relink({ core: { database } }: Victim, run: string, where: string): void {
  database.raw.exec(`UPDATE events SET at = at + 1 WHERE chain = '${run}' AND ${where}`);
  const sql = 'SELECT id, chain, seq, at, type, body FROM events WHERE chain = ? ORDER BY seq';
  let previous = GENESIS;
  for (const record of database.all<Omit<StoredRecord, 'hash'>>(sql, run)) {
    const hash = hashOf({ ...record, previous });
    database.run(
      'UPDATE events SET previous = ?, hash = ? WHERE id = ?',
      previous,
      hash,
      record.id,
    );
    previous = hash;
  }
}
