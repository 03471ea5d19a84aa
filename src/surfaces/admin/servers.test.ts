import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Broker } from '../../broker/broker.ts';
import { loadConfig } from '../../config/load.ts';
import { planBundle } from '../../config/plan.ts';
import { inspectors } from '../../config/testing/plans.ts';
import { defined, fileWith, mcpInspector, type Offered } from '../../config/testing/server.ts';
import { EMPTY_BUNDLE } from '../../domain/bundle.ts';
import { realDoors } from '../../doors.ts';
import { serversIn } from './servers.ts';

const TOOLS = ['a', 'b', 'c', 'd'].map((name) => defined(name));
const active = (
  await planBundle(loadConfig(fileWith("{ tools: { '*': read, d: false } }"), 's.yaml'), {
    active: EMPTY_BUNDLE,
    inspectors: inspectors(mcpInspector({ files: { tools: TOOLS } })),
    inspect: 'all',
  })
).bundle;

const seen = (now: Offered) =>
  serversIn({
    bundles: { active: async () => active },
    inspectors: inspectors(mcpInspector(now)),
    doors: realDoors(),
  } as unknown as Broker);

test('a server is asked, and told by what it serves', async () => {
  const [view] = await seen({ files: { tools: TOOLS } });
  assert.deepEqual(view, {
    ...{ connection: 'files', kind: 'mcp', fault: null, protocol: null },
    server: { name: 'files', version: '1' },
    ...{ offers: 4, served: 3, changed: [], gone: [], reworded: [], unserved: ['d'] },
    ...{ instructionsChanged: false, drift: [] },
  });
});

test('tools that it defines otherwise, or no longer has, are named', async () => {
  const changed = defined('a', { description: 'Does something else' });
  const [view] = await seen({ files: { tools: [changed, defined('c')] } });
  assert.deepEqual([view?.changed, view?.gone], [['files_a'], ['files_b']]);
});

test('one that does not answer says why, and nothing throws', async () => {
  const [view] = await seen({});
  assert.match(view?.fault?.message ?? '', /did not answer/);
});
