import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { CONFIG_SCHEMA } from './schema.ts';

const PUBLISHED = new URL('../../schema/signalbox.schema.json', import.meta.url);
const REFERENCE = new URL('../../docs/reference/configuration.md', import.meta.url);

test('the published schema is the schema that files are checked by', async () => {
  if (process.env.SIGNALBOX_WRITE_SCHEMA === '1')
    await writeFile(PUBLISHED, `${JSON.stringify(CONFIG_SCHEMA, null, 2)}\n`);
  // as data: the formatter decides about spaces
  const published: unknown = JSON.parse(await readFile(PUBLISHED, 'utf8'));
  const help = 'write it with SIGNALBOX_WRITE_SCHEMA=1 and this test, then format it';
  assert.deepEqual(published, CONFIG_SCHEMA, help);
});

function* objectsIn(schema: Json, at = '#'): Generator<[string, JsonObject]> {
  if (Array.isArray(schema))
    for (const [i, inner] of schema.entries()) yield* objectsIn(inner, `${at}/${i}`);
  if (!isJsonObject(schema)) return;
  yield [at, schema];
  for (const [key, inner] of Object.entries(schema)) yield* objectsIn(inner, `${at}/${key}`);
}

test('every mapping in it is closed', () => {
  for (const [at, schema] of objectsIn(CONFIG_SCHEMA))
    if (schema.type === 'object' && isJsonObject(schema.properties) && schema.allOf === undefined)
      assert.equal(schema.additionalProperties, false, at);
});

test('every field in it is in the reference', async () => {
  const reference = await readFile(REFERENCE, 'utf8');
  for (const [at, schema] of objectsIn(CONFIG_SCHEMA))
    if (schema.type === 'object' && isJsonObject(schema.properties))
      for (const field of Object.keys(schema.properties))
        assert.ok(reference.includes(`\`${field}\``), `\`${field}\` of ${at} is not described`);
});
