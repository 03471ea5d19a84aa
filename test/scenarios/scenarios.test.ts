import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { check, FOLDER } from './run.ts';
import { readScenario, SCENARIO_SCHEMA, scenarioFiles } from './scenario.ts';
import { type Company, startCompany } from './world.ts';

let company: Company;
before(async () => {
  company = await startCompany();
});
after(() => company.stop());

for (const path of await scenarioFiles(FOLDER))
  test(`scenario ${basename(path, '.yaml')}`, () => check(path, company, false));

test('every scenario has a golden ledger, and a key that is not known is refused', async () => {
  for (const path of await scenarioFiles(FOLDER))
    assert.ok(readScenario(await readFile(path, 'utf8'), path).ledger, path);
  const typo =
    'description: x\nnow: "2031-01-10T09:00:00Z"\nruns: {}\nstep: []\nsteps: [{ waits: 1 minutes }]\n';
  assert.throws(() => readScenario(typo, 'typo.yaml'), /must NOT have additional properties/);
});

test('the published schema of scenarios is the one they are checked with', async () => {
  const published: unknown = JSON.parse(
    await readFile(join(FOLDER, '../schema/scenario.schema.json'), 'utf8'),
  );
  assert.deepEqual(published, SCENARIO_SCHEMA);
});
