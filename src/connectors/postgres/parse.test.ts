import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseStatement } from './parse.ts';

const numbered = async (sql: string): Promise<[string, readonly string[]]> => {
  const { text, parameters } = await parseStatement(sql);
  return [text, parameters];
};

test('named parameters become numbered ones, a repeated name once', async () => {
  assert.deepEqual(await numbered('select :b, :a from t where x = :b'), [
    'select $1, $2 from t where x = $1',
    ['b', 'a'],
  ]);
});

test('strings, names, comments and casts keep their colons', async () => {
  const sql = `select ':no', "é:no", E'\\':no', $$ :no $$, a::text /* :no */, :yes::int -- :no`;
  const [text, parameters] = await numbered(sql);
  assert.deepEqual(parameters, ['yes']);
  assert.equal(text, `select ':no', "é:no", E'\\':no', $$ :no $$, a::text /* :no */, $1::int`);
});

test('a parameter directly behind a word does not melt into it', async () => {
  const [text] = await numbered('select 1 limit:n');
  assert.equal(text, 'select 1 limit $1');
});

test('array slices keep theirs', async () => {
  assert.deepEqual(await numbered('select a[1:2], a[:from: :to] from t'), [
    'select a[1:2], a[ $1: $2] from t',
    ['from', 'to'],
  ]);
});

test('semicolons and comments at the end are cut', async () => {
  assert.deepEqual(await numbered('select 1; ; -- end'), ['select 1', []]);
});

for (const [sql, said] of [
  ['', /got none/],
  ['-- nothing', /got none/],
  ['select 1; select 2', /got 2/],
  ['select 1; drop table t', /got 2/],
  ['select $1', /named parameters/],
  ['selec 1', /syntax error/],
  ["select 'x", /does not end/],
  ['select /* x', /does not end/],
  [`select ${'('.repeat(200)}1${')'.repeat(200)}`, /nested/],
  [`select '${'x'.repeat(20_000)}'`, /at most 20000 bytes/],
  ['select \0', /character/],
  [`select ${Array.from({ length: 101 }, (_, i) => `:p${i}`).join()}`, /at most 100 parameters/],
] as const)
  test(`refused: ${JSON.stringify(sql.slice(0, 40))}`, async () => {
    await assert.rejects(parseStatement(sql), (error: Error & { code: string }) => {
      assert.equal(error.code, 'TOOL_STATEMENT');
      assert.match(error.message, said);
      return true;
    });
  });
