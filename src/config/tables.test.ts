import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../domain/bundle.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { tableEnvironment } from './tables.ts';

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
  assert.deepEqual(tableEnvironment(staging, touching('public.notes')), {});
  assert.deepEqual(
    tableEnvironment(staging, touching('public.notes', 'billing.payouts')),
    PRODUCTION,
  );
  assert.deepEqual(tableEnvironment(staging, touching('audit.log')), PRODUCTION);
  assert.deepEqual(tableEnvironment(staging, touching('audits.log')), {});
  assert.deepEqual(tableEnvironment(staging, {}), PRODUCTION, 'unknown tables may be any');
});

test('nothing is lowered by what is production, and nothing is said where nothing is named', () => {
  assert.deepEqual(tableEnvironment(at('production', ['a.b']), touching('a.b')), {});
  assert.deepEqual(tableEnvironment(at('staging'), touching('a.b')), {});
});

const labelled = (tables: JsonObject, productionTables?: Json): Connection => ({
  ...at('production', productionTables),
  settings: { tables, ...(productionTables === undefined ? {} : { productionTables }) },
});
const reaching = (all: boolean, ...tables: string[]): JsonObject => ({ touches: { tables, all } });

test('a tool is below production when all that it reaches is', () => {
  const db = labelled({
    'scratch.*': 'sandbox',
    'scratch.audit': 'production',
    'public.try': 'staging',
  });
  const of = (binding: JsonObject) => tableEnvironment(db, binding);
  assert.deepEqual(of(reaching(true, 'scratch.a', 'scratch.b')), { environment: 'sandbox' });
  assert.deepEqual(of(reaching(true, 'public.try')), { environment: 'staging' });
  assert.deepEqual(of(reaching(true, 'scratch.a', 'public.customers')), {}, 'one has no label');
  assert.deepEqual(of(reaching(true, 'scratch.a', 'scratch.audit')), {}, 'one is production');
  assert.deepEqual(of(reaching(true, 'scratch.a', 'public.try')), {}, 'two labels are no label');
  assert.deepEqual(of(reaching(false, 'scratch.a')), {}, 'a trigger may reach anything');
  assert.deepEqual(of(touching('scratch.a')), {}, 'what else it reaches is not known');
  assert.deepEqual(of({}), {});
  assert.deepEqual(of(reaching(true)), {}, 'no table at all');
});

test('what is said to be production stays so, whatever label it has besides', () => {
  const db = labelled({ 'scratch.*': 'sandbox', 'billing.log': 'sandbox' }, [
    'scratch.pay',
    'billing.*',
  ]);
  assert.deepEqual(tableEnvironment(db, reaching(true, 'scratch.pay')), {});
  assert.deepEqual(tableEnvironment(db, reaching(true, 'billing.log')), {});
  const staging = { ...db, environment: 'staging' };
  assert.deepEqual(tableEnvironment(staging, reaching(true, 'billing.log')), PRODUCTION);
  assert.deepEqual(tableEnvironment(staging, reaching(true, 'scratch.a')), {
    environment: 'sandbox',
  });
});
