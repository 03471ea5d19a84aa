import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyAlarm } from '../domain/policy.ts';
import { PolicyAlarms } from './policy-alarms.ts';

function stage() {
  const notes: string[] = [];
  const alerts: string[] = [];
  const lines: string[] = [];
  const alarms = new PolicyAlarms({
    store: {
      commit: async (op) => {
        notes.push(JSON.stringify(op));
        return { ok: true } as never;
      },
    },
    doors: { clock: { now: () => 7, monotonic: () => 7 } },
    alerts: () => ({ tell: (event, facts) => alerts.push(`${event} ${JSON.stringify(facts)}`) }),
    log: (line) => lines.push(line),
  });
  return { alarms, notes, alerts, lines };
}

const BUNDLE = 'b'.repeat(64);
const DISAGREED: PolicyAlarm = { kind: 'disagreed', bundle: BUNDLE, tool: 'pay', why: 'at `auto`' };

test('a disagreement is told once: in the log, in the ledger and to webhooks, and stands with its bundle', () => {
  const { alarms, notes, alerts, lines } = stage();
  assert.deepEqual(alarms.health(BUNDLE), { state: 'ok', alarms: [] });
  alarms.told(DISAGREED);
  alarms.told(DISAGREED);
  assert.equal(lines.length, 1);
  assert.deepEqual(alerts, [`policy.disagreed {"bundle":"${BUNDLE}","tool":"pay"}`]);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /"type":"policy.disagreed".*"tool":"pay"/);
  assert.equal(alarms.health(BUNDLE).state, 'disagreed');
  assert.equal(alarms.health('another').state, 'ok');
});

test('what only the reference engine knows is no fault: the log and the standing say so', () => {
  const { alarms, notes, alerts, lines } = stage();
  alarms.told({ ...DISAGREED, kind: 'fallback' });
  assert.deepEqual([lines.length, notes.length, alerts.length], [1, 0, 0]);
  assert.equal(alarms.health(BUNDLE).state, 'fallback');
  alarms.told({ ...DISAGREED, kind: 'failed', tool: null });
  assert.equal(alarms.health(BUNDLE).state, 'failed', 'the worst first');
});

test('a fault that every tool has fills neither the ledger nor memory', () => {
  const { alarms, notes } = stage();
  for (let at = 0; at < 500; at++) alarms.told({ ...DISAGREED, tool: `tool-${at}` });
  assert.equal(notes.length, 100);
  assert.equal(alarms.health(BUNDLE).alarms.length, 100);
});
