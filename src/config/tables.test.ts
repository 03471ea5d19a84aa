import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../domain/bundle.ts';
import type { Json } from '../domain/json.ts';
import { stricterEnvironment } from './tables.ts';

const at = (environment: string, productionTables?: Json): Connection => ({
  name: 'db',
  kind: 'postgres',
  environment,
  settings: productionTables === undefined ? {} : { productionTables },
});
const touching = (...names: string[]) => ({
  tables: names.map((one) => ({ schema: one.split('.')[0] ?? '', name: one.split('.')[1] ?? '' })),
});
const PRODUCTION = { environment: 'production' };

test('a table that counts as production makes its tools act in production', () => {
  const staging = at('staging', ['billing.payouts', 'audit.*']);
  assert.deepEqual(stricterEnvironment(staging, touching('public.notes')), {});
  assert.deepEqual(
    stricterEnvironment(staging, touching('public.notes', 'billing.payouts')),
    PRODUCTION,
  );
  assert.deepEqual(stricterEnvironment(staging, touching('audit.log')), PRODUCTION);
  assert.deepEqual(stricterEnvironment(staging, touching('audits.log')), {});
  assert.deepEqual(stricterEnvironment(staging, {}), PRODUCTION, 'unknown tables may be any');
});

test('nothing is lowered, and nothing is said where nothing is named', () => {
  assert.deepEqual(stricterEnvironment(at('production', ['a.b']), touching('a.b')), {});
  assert.deepEqual(stricterEnvironment(at('staging'), touching('a.b')), {});
});
