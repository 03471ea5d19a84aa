import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../domain/json.ts';
import { lintTool } from './lint.ts';

function rules(
  name: string,
  properties: JsonObject,
  effect: 'read' | 'write' | 'destroy' = 'destroy',
  binding: JsonObject = { mcp: 'tools/call', name },
) {
  return lintTool({
    name: `s_${name}`,
    effect,
    inputSchema: { type: 'object', properties },
    binding,
  }).map(({ rule, argument }) => `${rule} ${argument}`);
}
const TEXT: JsonObject = { type: 'string' };

test('god-mode tools are named, with the argument that they hang on', () => {
  assert.deepEqual(rules('run_sql', { sql: TEXT }), ['runs-what-it-is-given sql']);
  assert.deepEqual(rules('query', { query: TEXT }, 'read'), ['runs-what-it-is-given query']);
  assert.deepEqual(rules('bash', { command: TEXT }), ['runs-what-it-is-given command']);
  assert.deepEqual(rules('evaluate_script', { code: TEXT }), ['runs-what-it-is-given code']);
  assert.deepEqual(rules('fetch', { url: TEXT }, 'read'), ['calls-any-address url']);
  assert.deepEqual(rules('write_file', { path: TEXT, content: TEXT }), ['writes-anywhere path']);
  assert.deepEqual(rules('exec', { argv: { type: 'array', items: { type: 'integer' } } }), [
    'named-for-everything null',
  ]);
});

test('narrow ones are not: choices, patterns, searches, statements of our own', () => {
  assert.deepEqual(rules('search_issues', { query: TEXT }, 'read'), []);
  assert.deepEqual(rules('read_file', { path: TEXT }, 'read'), []);
  assert.deepEqual(
    rules('fetch', { url: { type: 'string', enum: ['https://a.example/'] } }, 'read'),
    [],
  );
  assert.deepEqual(
    rules('run_report', { command: { type: 'string', pattern: '^(?:day|week)$' } }, 'read'),
    [],
  );
  assert.deepEqual(rules('find', { query: TEXT, code: TEXT }, 'read', { sql: 'select 1' }), []);
});
