import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DRILL_LASTS_MS, type DrillPlan, type DrillRecord, drillHealth } from './drill.ts';

const HOUR = 3_600_000;
const NOW = 1_000 * HOUR;
const PLAN: DrillPlan = {
  hours: 24,
  agent: 'canary',
  witness: 'watcher',
  connection: 'site',
  touch: 'touch',
  look: 'look',
};

function drilled(agoMs: number, ok: boolean | null): DrillRecord {
  const recorded =
    ok === null
      ? null
      : { at: 0, report: { ok } as never, text: '', signature: null, seq: 1, hash: '' };
  return { id: 'drill', agent: 'canary', begunAt: NOW - agoMs, recorded };
}

test('how drilled a deployment is', () => {
  const state = (...drills: DrillRecord[]) => drillHealth(PLAN, drills, NOW).state;
  assert.equal(drillHealth(undefined, [], NOW).state, 'off');
  assert.equal(drillHealth(undefined, [drilled(HOUR, false)], NOW).state, 'failed', 'by hand too');
  assert.equal(state(), 'never');
  assert.equal(state(drilled(HOUR, true)), 'fresh');
  assert.equal(state(drilled(36 * HOUR, true)), 'fresh');
  assert.equal(state(drilled(36 * HOUR + 1, true)), 'stale');
  assert.equal(state(drilled(HOUR, false), drilled(2 * HOUR, true)), 'failed');
  assert.equal(state(drilled(HOUR, true), drilled(2 * HOUR, false)), 'fresh', 'the newest counts');
  assert.equal(state(drilled(1_000, null), drilled(HOUR, true)), 'fresh', 'one is under way');
  assert.equal(
    state(drilled(DRILL_LASTS_MS, null), drilled(HOUR, true)),
    'failed',
    'it never ended',
  );
});
