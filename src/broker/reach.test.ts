import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from './broker.ts';
import { covered } from './reach.ts';

const lease = (id: string, runId: string) => ({ id, runId, agent: 'helper', connection: 'db' });
const RUNS = [
  { id: 'child', agent: 'helper', parent: 'root', actsFor: [{ run: 'root', agent: 'ann' }] },
  { id: 'other', agent: 'helper', parent: null, actsFor: [] },
];

/** A store in which every credential is alive and only `other` still runs. */
const broker = {
  store: {
    leases: async () => [lease('lease_1', 'child'), lease('lease_2', 'other')],
    liveRuns: async () => RUNS.filter(({ id }) => id === 'other'),
    run: async (id: string) => RUNS.find((run) => run.id === id) ?? null,
  },
} as unknown as Broker;

test('a halt ends the credential of a run under it that ended meanwhile, and no other', async () => {
  for (const scope of ['run:root', 'agent:ann', 'run:child']) {
    const { runs, leases } = await covered(broker, scope);
    assert.deepEqual([runs.length, leases.map(({ id }) => id)], [0, ['lease_1']], scope);
  }
  assert.equal((await covered(broker, 'all')).leases.length, 2);
  assert.equal((await covered(broker, 'run:nobody')).leases.length, 0);
});
