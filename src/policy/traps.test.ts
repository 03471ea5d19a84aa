import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import { projected, projectionOf, UNFIT } from './arguments.ts';
import { freshCedar, json, Reference, type Slice } from './reference.ts';
import { SetValue } from './values.ts';

/*
 * What Cedar does with what it cannot use, pinned to the version we ship. `bare`: as its users meet it, without a schema.
 * `held`: as we ask it. A change of either is to be noticed when the engine is raised.
 */

const cedar = freshCedar();
const PERMIT = 'permit (principal, action, resource);';

function bare(forbid: string, context: { [name: string]: CedarValueJson }, action = 'pay') {
  const answer = cedar.isAuthorized({
    principal: { type: 'Agent', id: 'ann' },
    action: { type: 'Action', id: action },
    resource: { type: 'Connection', id: 'db' },
    context,
    entities: [],
    policies: { staticPolicies: { base: PERMIT, test: forbid } },
  });
  if (answer.type !== 'success') return { failed: true as const };
  const { decision, diagnostics } = answer.response;
  return { decision, reasons: diagnostics.reason, errors: diagnostics.errors.length };
}

const SCHEMA: Slice['schema'] = {
  '': {
    entityTypes: { Agent: {}, Connection: {} },
    actions: {
      'effect:write': {},
      pay: {
        memberOf: [{ id: 'effect:write' }],
        appliesTo: {
          principalTypes: ['Agent'],
          resourceTypes: ['Connection'],
          context: {
            type: 'Record',
            attributes: {
              amount: { type: 'Long', required: true },
              to: { type: 'String', required: true },
            },
          },
        },
      },
    },
  },
};

/** Asked by the production engine, past the mapping that would never build such values. */
function held(forbid: string, context: { [name: string]: CedarValueJson }, action = 'pay') {
  const policies = { base: PERMIT, test: forbid };
  const reference = new Reference(() => ({
    ...cedar,
    statefulIsAuthorized: (call) => cedar.statefulIsAuthorized({ ...call, context }),
  }));
  const slice: Slice = { tool: 'pay', policies, key: forbid, schema: SCHEMA };
  try {
    return reference.ask(slice, { agent: 'ann', tool: action, connection: 'db', context: {} });
  } catch (error) {
    return { refused: error instanceof Error ? error.message : '' };
  }
}

const FORBID = 'forbid (principal, action, resource) when { context.amount > 5 };';
const GOOD = { amount: 9, to: 'x' };

test('the engine is the one whose behaviour is written down here', () => {
  assert.equal(cedar.getCedarVersion(), '4.13.0');
});

describe('a forbid that cannot be evaluated does not forbid: Cedar leaves it out', () => {
  const escapes: [what: string, context: { [name: string]: CedarValueJson }][] = [
    ['absent', { to: 'x' }],
    ['a text where a number is compared', { ...GOOD, amount: '9' }],
    ['an entity', { ...GOOD, amount: { __entity: { type: 'Agent', id: 'x' } } }],
    ['an extension value', { ...GOOD, amount: { __extn: { fn: 'decimal', arg: '9.0' } } }],
    ['an unknown', { ...GOOD, amount: { __extn: { fn: 'unknown', arg: 'x' } } }],
  ];
  for (const [what, context] of escapes)
    test(what, () => {
      const open = bare(FORBID, context);
      assert.equal(open.decision, 'allow');
      assert.equal(open.errors, 1);
      assert.ok('refused' in held(FORBID, context), 'the request does not validate');
    });

  test('and an unknown allows without any reason', () => {
    const unknown = { __extn: { fn: 'unknown', arg: 'x' } };
    assert.deepEqual(bare(FORBID, { ...GOOD, amount: unknown }).reasons, []);
  });

  test('an overflow validates, and is told as an error', () => {
    const forbid = 'forbid (principal, action, resource) when { context.amount * 4 > 5 };';
    const context = { ...GOOD, amount: 9_007_199_254_740_991 };
    const twice =
      'forbid (principal, action, resource) when { context.amount * context.amount > 5 };';
    assert.deepEqual(bare(forbid, context).reasons, ['test']);
    assert.equal(bare(twice, context).decision, 'allow');
    assert.deepEqual(held(twice, context), { allowed: true, reasons: ['base'], errors: ['test'] });
  });
});

test('a group of actions matches only where somebody says who is in it', () => {
  const forbid = 'forbid (principal, action in Action::"effect:write", resource);';
  assert.deepEqual(bare(forbid, GOOD), { decision: 'allow', reasons: ['base'], errors: 0 });
  assert.deepEqual(held(forbid, GOOD), { allowed: false, reasons: ['test'], errors: [] });
});

test('an action that is not in the schema is refused, and permitted without one', () => {
  assert.equal(bare(FORBID, { ...GOOD, amount: 1 }, 'other').decision, 'allow');
  assert.ok('refused' in held(FORBID, { ...GOOD, amount: 1 }, 'other'));
});

test('attributes that the schema does not know are refused', () => {
  assert.ok('refused' in held(FORBID, { ...GOOD, amount: 1, more: 1 }));
  assert.deepEqual(held(FORBID, { ...GOOD, amount: 1 }), {
    allowed: true,
    reasons: ['base'],
    errors: [],
  });
});

test('what JSON or Cedar cannot hold fails the whole call; the instance goes on', () => {
  for (const amount of [1.5, null, 1e20, Number.NaN])
    assert.deepEqual(bare(FORBID, { ...GOOD, amount }), { failed: true }, String(amount));
  assert.throws(() => bare(FORBID, { ...GOOD, amount: 1n as unknown as number }));
  assert.throws(() => bare(FORBID, { ...GOOD, to: '\ud800' }));
  assert.equal(bare(FORBID, GOOD).decision, 'deny');
});

test('integers beyond 2^53 are rounded before Cedar sees them; undefined disappears; 2.0 is 2', () => {
  const equal = (to: string) =>
    `forbid (principal, action, resource) when { context.amount == ${to} };`;
  // biome-ignore lint/correctness/noPrecisionLoss: the very trap
  const context = { ...GOOD, amount: 9007199254740993 };
  assert.equal(bare(equal('9007199254740993'), context).decision, 'allow');
  assert.equal(bare(equal('2'), { ...GOOD, amount: 2.0 }).decision, 'deny');
  const gone = { ...GOOD, amount: undefined as unknown as number };
  assert.equal(bare(FORBID, gone).decision, 'allow');
});

test('texts are compared letter by letter', () => {
  const like = 'forbid (principal, action, resource) when { context.to like "*drop*" };';
  assert.equal(bare(like, { ...GOOD, to: 'DROP TABLE' }).decision, 'allow');
  const same = 'forbid (principal, action, resource) when { context.to == "\u00e9" };';
  assert.equal(bare(same, { ...GOOD, to: 'e\u0301' }).decision, 'allow');
});

test('@id is not the id: policies must be given by theirs', () => {
  const text = `@id("mine") ${PERMIT}`;
  cedar.preparsePolicySet('one text', { staticPolicies: text });
  const answer = cedar.statefulIsAuthorized({
    principal: { type: 'Agent', id: 'ann' },
    action: { type: 'Action', id: 'pay' },
    resource: { type: 'Connection', id: 'db' },
    context: {},
    entities: [],
    preparsedPolicySetId: 'one text',
  });
  assert.deepEqual(answer.type === 'success' && answer.response.diagnostics.reason, ['policy0']);
});

test('a long chain parses and stops the engine when it is evaluated; another instance goes on', () => {
  const victim = freshCedar();
  const chain = (count: number) => {
    const terms = Array.from({ length: count }, () => 'context.amount > 1').join(' && ');
    const text = `forbid (principal, action, resource) when { ${terms} };`;
    assert.equal(victim.preparsePolicySet(`${count}`, { staticPolicies: text }).type, 'success');
    return victim.statefulIsAuthorized({
      principal: { type: 'Agent', id: 'ann' },
      action: { type: 'Action', id: 'pay' },
      resource: { type: 'Connection', id: 'db' },
      context: GOOD,
      entities: [],
      preparsedPolicySetId: `${count}`,
    });
  };
  assert.equal(chain(200).type, 'success');
  assert.throws(() => chain(450), { name: 'RuntimeError' });
  assert.throws(() => chain(1), { name: 'RuntimeError' }, 'and for good');
  assert.equal(bare(FORBID, GOOD).decision, 'deny');
});

test('values are built, never passed on: what agents write is no escape of Cedar', () => {
  const projection = projectionOf({
    type: 'object',
    properties: {
      a: { type: 'object', properties: { __entity: { type: 'string' }, b: { type: 'string' } } },
      __extn: { type: 'string' },
      list: { type: 'array', items: { type: 'string' } },
    },
  });
  assert.ok(!projection.has('__extn'));
  const hostile = JSON.parse(
    '{"a":{"__entity":{"type":"Mode","id":"auto"},"b":"x","__proto__":1},"__extn":"f","list":["y"]}',
  );
  const made = projected(projection, hostile);
  assert.ok(made !== UNFIT);
  assert.equal(JSON.stringify(json(made.a ?? '')), '{"b":"x","b_folded":"x"}');
  assert.deepEqual(made.list, new SetValue(['y']));
  const text = { a: { b: { __entity: { type: 'Mode', id: 'auto' } } } };
  assert.equal(projected(projection, text), UNFIT);
});
