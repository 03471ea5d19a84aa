import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { JsonObject } from '../../domain/json.ts';
import { createStateSeal } from '../../protocols/mcp/request-state.ts';
import { argumentsDigest, readContinuation, readParams } from './tool-call.ts';

const entropy = { bytes: (length: number) => randomBytes(length), id: (prefix: string) => prefix };
const seal = createStateSeal(randomBytes(32), entropy);
const call = { runId: 'run_1', tool: 'set_plan', arguments: { customer: 7 } };
const state = {
  runId: call.runId,
  tool: call.tool,
  argumentsDigest: argumentsDigest(call.arguments),
  rounds: 1,
  expiresAt: 1_000,
  continuation: null,
  waits: { for: 'approval', approvalId: 'ask_1', actionId: 'act_1', previewed: true },
} as const;
const request = (params: JsonObject) =>
  ({ kind: 'request', id: 1, method: 'tools/call', params }) as const;

test('a call is a name and arguments', () => {
  assert.deepEqual(readParams(request({ name: 'a' })), { tool: 'a', arguments: {} });
  const wrong = [
    {},
    { name: 7 },
    { name: '' },
    { name: 'n'.repeat(129) },
    { name: 'files/resources' },
  ];
  for (const params of wrong) assert.throws(() => readParams(request(params)), { code: -32602 });
});

test('what is sent as arguments and is none is told apart from no arguments', () => {
  for (const given of [[], 'a', 7, null])
    assert.equal(
      readParams(request({ name: 'a', arguments: given })).malformed,
      'expected `arguments` to be an object',
    );
});

test('state continues its own call until it expires', () => {
  const read = (now: number, more: JsonObject = {}, other: Partial<typeof call> = {}) =>
    readContinuation(
      request({ requestState: seal.seal(state), ...more }),
      { ...call, ...other },
      seal,
      now,
    );
  assert.deepEqual(read(999), { continues: state, responses: null, givesUp: false });
  for (const action of ['decline', 'cancel'])
    assert.equal(read(999, { inputResponses: { approval: { action } } }).givesUp, true);
  assert.equal(read(999, { inputResponses: { approval: { action: 'accept' } } }).givesUp, false);
  const refused = { code: -32602 };
  assert.throws(() => read(1_000), refused);
  assert.throws(() => read(999, {}, { runId: 'run_2' }), refused);
  assert.throws(() => read(999, {}, { tool: 'other' }), refused);
  assert.throws(() => read(999, {}, { arguments: { customer: 8 } }), refused);
  assert.throws(() => read(999, { inputResponses: 'yes' }), refused);
});
