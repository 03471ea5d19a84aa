import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../../src/domain/digest.ts';
import type { Store } from '../../src/domain/store.ts';
import { openSqliteCore } from '../../src/store/sqlite/core.ts';
import { storeOver } from '../../src/store/sqlite/store.ts';
import { histories, opFor, RUNS } from '../properties/histories.ts';
import { MASTER_KEY, stillDoors, T0 } from './store-cast.ts';

/* What the calling thread remembers is what it would read: after every op, whatever came before. */

const NUMBERS = [0, 1, 2, 3, 4, 5];

async function everything(store: Store): Promise<unknown> {
  const facts = RUNS.flatMap((runId) =>
    NUMBERS.map((n) =>
      store.factsFor({ runId, tool: 'set_plan', argumentsDigest: digestOf('arguments', { n }) }),
    ),
  );
  const tokens = RUNS.flatMap((run) => NUMBERS.map((n) => store.token(`hash_${run}_${n}`)));
  const usage = [...(await store.usage(['k', 'j']))].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  return {
    usage,
    facts: await Promise.all(facts),
    tokens: await Promise.all(tokens),
    runs: await Promise.all(RUNS.map((run) => store.run(run))),
    halts: await store.haltState(),
  };
}

test('what is remembered is what would be read', async () => {
  let refused = 0;
  let done = 0;
  await fc.assert(
    fc.asyncProperty(histories, async (batches) => {
      const doors = stillDoors();
      const { bytes } = doors.entropy;
      const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
      const store = storeOver(core, MASTER_KEY, doors);
      for (const one of [{ what: 0, n: 0, run: 'run_a', scope: 'all' }, ...batches.flat()]) {
        await everything(store);
        const answer = await store.commit(opFor(one, core)).catch(() => ({ ok: false }));
        if (answer.ok) done++;
        else refused++;
        const fresh = storeOver(core, MASTER_KEY, doors);
        assert.deepEqual(await everything(store), await everything(fresh), JSON.stringify(one));
      }
      await store.close();
      core.close();
    }),
    { numRuns: 60 },
  );
  assert.ok(done > 200 && refused > 200, `${done} done, ${refused} refused`);
});
