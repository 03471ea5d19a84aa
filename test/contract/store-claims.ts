import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { ClaimTake } from '../../src/domain/claim.ts';
import type { Open } from './store.ts';
import { T0 } from './store-cast.ts';
import { scene } from './store-scene.ts';

const TAKEN = { ok: false, because: 'taken' };

function take(claim: string, until = T0 + 1_000, at = T0): ClaimTake {
  return { kind: 'claim.take', claim, until, at };
}

export function claimContract(open: Open): void {
  describe('claims', () => {
    scene(open, 'are taken once, and who asks is told', async (store) => {
      assert.equal(await store.isTaken('a'), false);
      const answers = await Promise.all(
        [take('a'), take('a'), take('b')].map((op) => store.commit(op)),
      );
      assert.deepEqual(answers, [{ ok: true }, TAKEN, { ok: true }]);
      assert.equal(await store.isTaken('a'), true);
      assert.deepEqual(await store.commit(take('a')), TAKEN);
    });

    scene(open, 'are forgotten once they are over, and not before', async (store) => {
      for (let number = 0; number < 20; number++) await store.commit(take(`old_${number}`));
      await store.commit(take('long', T0 + 9_000));
      for (const claim of ['p', 'q']) await store.commit(take(claim, T0 + 9_000, T0 + 1_001));
      for (let number = 0; number < 20; number++)
        assert.equal(await store.isTaken(`old_${number}`), false);
      assert.deepEqual(await store.commit(take('long', T0 + 9_000, T0 + 2_000)), TAKEN);
    });
  });
}
