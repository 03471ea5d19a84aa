import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { DRILL_LASTS_MS } from '../../src/domain/drill.ts';
import type { DrillBegin, DrillKeep } from '../../src/domain/ops.ts';
import { SYSTEM_CHAIN } from '../../src/domain/store.ts';
import type { Open } from './store.ts';
import { T0 } from './store-cast.ts';
import { scene } from './store-scene.ts';

const HOUR = 3_600_000;

function begin(id: string, at: number, notSince: number | null = null): DrillBegin {
  return { kind: 'drill.begin', id, agent: 'canary', by: 'dana', notSince, at };
}

function keep(id: string, at: number, ok = true): DrillKeep {
  const report = JSON.stringify({ id, ok });
  return { kind: 'drill.keep', id, ok, report, signature: `signed ${id}`, at };
}

export function drillContract(open: Open): void {
  describe('drills', () => {
    scene(
      open,
      'a drill is begun and kept once, and its report stays as it was signed',
      async (store) => {
        assert.deepEqual(await store.drills(10), []);
        const missing = { ok: false, because: 'missing' };
        assert.deepEqual(await store.commit(keep('drill_a', T0)), missing);
        assert.deepEqual(await store.commit(begin('drill_a', T0)), { ok: true });
        assert.deepEqual(await store.drills(10), [
          { id: 'drill_a', agent: 'canary', begunAt: T0, recorded: null },
        ]);
        assert.deepEqual(await store.commit(keep('drill_a', T0 + 5, false)), { ok: true });
        assert.deepEqual(await store.commit(keep('drill_a', T0 + 6)), missing);
        const [drill] = await store.drills(10);
        assert.equal(drill?.recorded?.text, JSON.stringify({ id: 'drill_a', ok: false }));
        assert.equal(drill.recorded.signature, 'signed drill_a');
        assert.equal(drill.recorded.at, T0 + 5);
        const [kept] = await store.timeline(SYSTEM_CHAIN, (drill.recorded.seq ?? 0) - 1, 1);
        assert.deepEqual([kept?.type, kept?.hash], ['drill.kept', drill.recorded.hash]);
        assert.equal((JSON.parse(kept?.body ?? '{}') as { code: string }).code, 'D201E');
      },
    );

    scene(
      open,
      'one at a time, and no oftener than asked; one that never ended blocks only so long',
      async (store) => {
        await store.commit(begin('drill_a', T0));
        const running = { ok: false, because: 'running' };
        assert.deepEqual(await store.commit(begin('drill_b', T0 + DRILL_LASTS_MS - 1)), running);
        assert.deepEqual(await store.commit(begin('drill_b', T0 + DRILL_LASTS_MS)), { ok: true });
        await store.commit(keep('drill_b', T0 + DRILL_LASTS_MS + 1));
        const later = T0 + HOUR;
        const recent = { ok: false, because: 'recent' };
        assert.deepEqual(await store.commit(begin('drill_c', later, T0)), recent);
        const due = T0 + DRILL_LASTS_MS + 1;
        const both = [
          store.commit(begin('drill_c', later, due)),
          store.commit(begin('drill_d', later, due)),
        ];
        assert.deepEqual(
          await Promise.all(both),
          [{ ok: true }, running],
          'of two replicas one drills',
        );
        const ids = (await store.drills(2)).map(({ id }) => id);
        assert.deepEqual(ids, ['drill_c', 'drill_b'], 'newest first');
        assert.equal((await store.drills(10)).length, 3);
      },
    );
  });
}
