import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AutomaticHalts } from '../domain/automatic-halt.ts';
import { type Counts, type Mishap, type Trip, tripped } from './trips.ts';

const RULES: AutomaticHalts = {
  denials: { count: 3, seconds: 10, halts: 'run' },
  unknownDestroys: { count: 1, seconds: 60, halts: 'agent' },
};

function played(mishaps: readonly Mishap[]): (Trip | null)[] {
  let counts: Counts = new Map();
  return mishaps.map((mishap) => {
    const next = tripped(counts, RULES, mishap);
    counts = next.counts;
    return next.trip;
  });
}

const denial = (at: number, code = 'NOT_GRANTED', runId = 'r1'): Mishap => ({
  ...{ kind: 'denials', code, runId, agent: 'ann', at },
});

test('the third refusal of one kind in the window halts the run, and only that run', () => {
  const trips = played([
    denial(0),
    denial(1, 'CAP_EXCEEDED'),
    denial(2),
    denial(3, 'NOT_GRANTED', 'r2'),
    denial(4),
  ]);
  assert.deepEqual(
    trips.map((trip) => trip?.scope ?? null),
    [null, null, null, null, 'run:r1'],
  );
});

test('what is older than the window does not count, and a halt is not raised twice by the same news', () => {
  assert.deepEqual(played([denial(0), denial(1), denial(10_001)]), [null, null, null]);
  const trips = played([0, 1, 2, 3, 4, 5, 10_003, 10_004, 10_005].map((at) => denial(at)));
  assert.deepEqual(
    trips.flatMap((trip, at) => (trip === null ? [] : [at])),
    [2, 8],
  );
});

test('an unknown destruction halts the agent where that is said; what is not named is off', () => {
  const base = { code: '', runId: 'r1', agent: 'ann', at: 1 };
  assert.equal(played([{ ...base, kind: 'unknownDestroys' }])[0]?.scope, 'agent:ann');
  assert.deepEqual(played([{ ...base, kind: 'failedCredentials' }]), [null]);
});

test('the same mishaps trip at the same ones, and never more than a run or an agent', () => {
  const mishap = fc.record({
    kind: fc.constantFrom('denials' as const, 'unknownDestroys' as const),
    code: fc.constantFrom('A', 'B'),
    runId: fc.constantFrom('r1', 'r2'),
    agent: fc.constant('ann'),
    at: fc.integer({ min: 0, max: 60_000 }),
  });
  fc.assert(
    fc.property(fc.array(mishap, { maxLength: 60 }), (mishaps) => {
      const trips = played(mishaps);
      assert.deepEqual(played(mishaps), trips);
      for (const trip of trips) assert.match(trip?.scope ?? 'run:x', /^(run|agent):/);
    }),
  );
});
