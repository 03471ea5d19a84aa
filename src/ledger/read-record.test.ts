import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Decision } from '../domain/decision.ts';
import { DIMENSIONS, type EffectVector } from '../domain/effect.ts';
import { canonical, type Json, type JsonObject } from '../domain/json.ts';
import type { Settlement } from '../domain/proposal.ts';
import { codeOf, EVENTS, type EventKind } from './events.ts';
import { bodyOf, isJointRead, type JointRead, readRecorded } from './read-record.ts';

/*
 * The texts of a read are put together by hand; here they are held against the general way of making canonical text.
 */

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const count = fc.nat();
const json = fc
  .jsonValue({ maxDepth: 2 })
  .filter((value) => canonical(value) !== '') as fc.Arbitrary<Json>;
const object = fc.dictionary(text, json) as fc.Arbitrary<JsonObject>;
const verdict = fc.record(
  {
    check: text,
    ceiling: fc.constantFrom('auto', 'approve'),
    code: fc.constantFrom('OK', 'RUNG'),
    reason: text,
    fix: text,
  },
  { requiredKeys: ['check', 'ceiling', 'code', 'reason'] },
);
const settlement = fc.oneof(
  fc.record({
    kind: fc.constant('done'),
    result: fc.record(
      {
        text,
        cut: fc.array(text),
        structured: object,
        wire: text,
        wants: fc.record({ questions: object, state: fc.option(text) }),
      },
      { requiredKeys: ['text', 'cut'] },
    ),
  }),
  fc.record(
    {
      kind: fc.constant('failed'),
      code: text,
      message: text,
      reply: fc.record({ code: fc.integer(), message: text, data: json }),
    },
    { requiredKeys: ['kind', 'code', 'message'] },
  ),
  fc.record({
    kind: fc.constant('refused'),
    refusal: fc.record({
      code: text,
      reasons: fc.array(fc.record({ check: text, code: text, reason: text })),
    }),
  }),
) as fc.Arbitrary<JointRead['outcome']['settlement']>;

const joint = fc.record({
  kind: fc.constant('action.admit'),
  action: fc.record(
    {
      ...{ id: text, runId: text, root: text, agent: text, tool: text, toolDigest: text },
      ...{ connection: text, arguments: object, argumentsDigest: text, via: text },
      purpose: fc.constant('execute'),
      continuation: fc.record({ responses: object, state: fc.option(text) }),
      decision: fc.record({
        mode: fc.constantFrom('auto', 'approve'),
        nature: fc.record({
          class: fc.constant('read'),
          reversibility: fc.constantFrom('none', 'declared'),
          idempotent: fc.boolean(),
        }),
        verdicts: fc.array(verdict),
      }),
      traceparent: text,
    },
    { noNullPrototype: true },
  ),
  stamp: fc.record({ halt: count, bundle: text }),
  scopes: fc.array(text),
  reservations: fc.array(
    fc.record({
      key: text,
      dimension: fc.constantFrom(...DIMENSIONS),
      amount: count,
      limit: count,
    }),
  ),
  approvalId: fc.constant(null),
  leaseId: fc.option(text),
  outcome: fc.record({
    settlement,
    posted: fc.record(Object.fromEntries(DIMENSIONS.map((name) => [name, fc.nat(2)]))),
  }),
  at: count,
}) as unknown as fc.Arbitrary<JointRead>;

test('the texts of a read are the canonical ones, with and without a payload', () => {
  fc.assert(
    fc.property(joint, fc.option(text), (op, lease) => {
      const one = { ...op, leaseId: lease };
      assert.ok(isJointRead(one));
      const { before, after, payload } = readRecorded(one);
      assert.equal(payload, canonical(payloadSaid(one)));
      const body = bodySaid(one);
      assert.equal(bodyOf(before, after, 'ab12'), canonical({ ...body, sealed: 'ab12' }));
      assert.equal(bodyOf(before, after, null), canonical({ ...body, withheld: true }));
      const { v, code, ...fields } = body;
      const kind: EventKind = EVENTS['action.read'];
      assert.deepEqual(Object.keys(fields).toSorted(), kind.fields.toSorted());
      const unknown = Object.keys(JSON.parse(payload)).filter((f) => !kind.payload.includes(f));
      assert.deepEqual(unknown, []);
    }),
    { numRuns: 500 },
  );
});

test('what has no text, and what is no joint read, is told apart', () => {
  const [op] = fc.sample(joint, { numRuns: 1, seed: 3 }) as [JointRead];
  const more = (posted: Partial<EffectVector>): JointRead => ({
    ...op,
    outcome: { ...op.outcome, posted: { ...op.outcome.posted, ...posted } },
  });
  for (const calls of [-1, 0.5, Number.NaN])
    assert.throws(() => readRecorded(more({ calls })), RangeError);
  const lone = { ...op, action: { ...op.action, arguments: { text: '\ud800' } } };
  assert.throws(() => readRecorded(lone), RangeError);
  const settled = (kind: Settlement['kind']): boolean =>
    isJointRead({ ...op, outcome: { ...op.outcome, settlement: { kind } as Settlement } });
  assert.deepEqual((['done', 'failed', 'refused', 'unknown', 'running'] as const).map(settled), [
    true,
    true,
    true,
    false,
    false,
  ]);
  assert.equal(isJointRead({ ...op, approvalId: 'ask_1' }), false);
  assert.equal(isJointRead({ ...op, outcome: null }), false);
  const decision = { ...op.action.decision, nature: { class: 'write' } } as unknown as Decision;
  assert.equal(isJointRead({ ...op, action: { ...op.action, decision } }), false);
});

function bodySaid({ action, outcome, ...op }: JointRead): Record<string, unknown> {
  const { decision } = action;
  const { settlement } = outcome;
  const isOk = (one: (typeof decision.verdicts)[number]): boolean =>
    one.code === 'OK' && one.ceiling === 'auto' && one.fix === undefined;
  const { id, tool, toolDigest, connection, purpose, via } = action;
  return {
    ...{ action: id, tool, toolDigest, connection, purpose, via },
    mode: decision.mode,
    nature: decision.nature,
    passed: decision.verdicts.filter(isOk).map(({ check }) => check),
    verdicts: decision.verdicts
      .filter((one) => !isOk(one))
      .map(({ check, ceiling, code }) => ({ check, ceiling, code })),
    stamp: op.stamp,
    reservations: op.reservations,
    lease: op.leaseId,
    outcome: settlement.kind,
    because: becauseSaid(settlement),
    posted: Object.fromEntries(Object.entries(outcome.posted).filter(([, spent]) => spent !== 0)),
    v: EVENTS['action.read'].version,
    code: codeOf('action.read', { outcome: settlement.kind }),
  };
}

function becauseSaid(settlement: Settlement): unknown {
  if (settlement.kind === 'failed') return settlement.code;
  if (settlement.kind !== 'refused') return null;
  const { code, reasons } = settlement.refusal;
  return { code, checks: reasons.map(({ check, code }) => ({ check, code })) };
}

function payloadSaid({ action, outcome }: JointRead): Record<string, unknown> {
  const reasons = action.decision.verdicts
    .filter((one) => one.code !== 'OK' || one.ceiling !== 'auto' || one.fix !== undefined)
    .map(({ check, reason, fix }) => ({ check, reason, fix }));
  const { kind, ...said } = outcome.settlement as Record<string, unknown> & Settlement;
  const { code, ...content } = said as Record<string, unknown>;
  return {
    arguments: action.arguments,
    continuation: action.continuation,
    traceparent: action.traceparent,
    reasons: reasons.length === 0 ? undefined : reasons,
    ...content,
  };
}
