import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { effectVector } from '../../src/domain/effect.ts';
import type { Op } from '../../src/domain/ops.ts';
import { openSqliteCore, type SqliteCore } from '../../src/store/sqlite/core.ts';
import {
  action,
  admit,
  beginRun,
  calls,
  DONE,
  MASTER_KEY,
  park,
  READ,
  settle,
  stillDoors,
  T0,
} from '../contract/store-cast.ts';

/*
 * `spent_plus_pending_le_limit`: whatever is admitted, settled, denied or parked, in whatever order and however it is
 * batched, no limit is ever drawn beyond what it allows; denied and parked proposals draw nothing.
 */

const LIMITS = { 'run:run_a': 12, 'agent:support': 20 } as const;
type Key = keyof typeof LIMITS;
const keys = Object.keys(LIMITS) as Key[];

type Step =
  | { readonly do: 'admit' | 'read' | 'preview'; readonly id: number; readonly amounts: number[] }
  | { readonly do: 'settle'; readonly id: number; readonly as: number; readonly spent: number }
  | { readonly do: 'deny' | 'park'; readonly id: number };

const id = fc.integer({ min: 0, max: 15 });
const amounts = fc.array(fc.integer({ min: 0, max: 14 }), { minLength: 2, maxLength: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom('admit', 'read', 'preview'), id, amounts }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      id,
      as: fc.integer({ min: 0, max: 4 }),
      spent: fc.integer({ min: 0, max: 14 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('deny', 'park'), id }) },
);

const SETTLEMENTS = [
  DONE,
  { kind: 'failed', code: 'X', message: '' },
  { kind: 'refused', refusal: { code: 'X', reasons: [] } },
  { kind: 'unknown', message: '' },
  { kind: 'running' },
] as const;

/** What each admitted action reserved, so that a settlement spends no more than that, as the caps guarantee. */
type Reserved = Map<string, number>;

function opFor(step: Step, reserved: Reserved): Op {
  const act = action(`act_${step.id}`, 'run_a', { arguments: { id: step.id } });
  switch (step.do) {
    case 'settle': {
      const settlement = SETTLEMENTS[step.as] ?? DONE;
      const spent = Math.min(step.spent, reserved.get(act.id) ?? 0);
      return settle(act, { settlement, posted: effectVector({ calls: spent }) });
    }
    case 'deny':
      return {
        kind: 'action.decline',
        action: { ...act, id: `${act.id}_no` },
        as: 'denied',
        measured: null,
        at: T0,
      };
    case 'park':
      return park(`ask_${step.id}`, { ...act, id: `${act.id}_ask` });
    default: {
      const reservations = keys.map((key, index) =>
        calls(key, LIMITS[key], step.amounts[index] ?? 0),
      );
      // the least of all attempts under this id: only one of them is admitted
      const before = reserved.get(act.id) ?? Number.POSITIVE_INFINITY;
      reserved.set(act.id, Math.min(before, ...reservations.map(({ amount }) => amount)));
      const posted = effectVector({ calls: reserved.get(act.id) ?? 0 });
      return admit(step.do === 'read' ? { ...act, decision: READ } : act, {
        reservations,
        outcome: step.do === 'read' ? { settlement: DONE, posted } : null,
      });
    }
  }
}

function usageOf(core: SqliteCore): Map<string, { posted: number; pending: number }> {
  const rows = core.database.all<{ key: string; posted: number; pending: number }>(
    `SELECT key, posted, pending FROM usage`,
  );
  return new Map(rows.map(({ key, posted, pending }) => [key, { posted, pending }]));
}

test('spent_plus_pending_le_limit', () => {
  let admitted = 0;
  let short = 0;
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { maxLength: 14 }),
      (batches) => {
        const { bytes } = stillDoors().entropy;
        const core = openSqliteCore({ file: ':memory:', masterKey: MASTER_KEY, bytes, at: T0 });
        const reserved: Reserved = new Map();
        core.apply([beginRun('run_a')]);
        for (const batch of batches) {
          const before = usageOf(core);
          for (const outcome of core.apply(batch.map((one) => opFor(one, reserved)))) {
            if (!('result' in outcome)) continue;
            if (outcome.result.ok) admitted++;
            else if (outcome.result.because === 'short') short++;
          }
          const after = usageOf(core);
          for (const [key, { posted, pending }] of after) {
            assert.ok(posted >= 0 && pending >= 0);
            assert.ok(posted + pending <= LIMITS[key as Key], `${key}: ${posted} + ${pending}`);
          }
          if (batch.every((one) => one.do === 'deny' || one.do === 'park'))
            assert.deepEqual(after, before);
        }
        core.close();
      },
    ),
    { numRuns: 150 },
  );
  assert.ok(admitted > 300 && short > 50, `${admitted} admitted, ${short} short: too few to tell`);
});
