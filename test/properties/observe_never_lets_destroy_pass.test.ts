import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_OBSERVED_MS } from '../../src/domain/bundle.ts';
import type { Facts } from '../../src/domain/facts.ts';
import { isHigher, lower, MODES, type Mode } from '../../src/domain/mode.ts';
import type { Check } from '../../src/judge/check.ts';
import { CHECKS, judge } from '../../src/judge/judge.ts';
import { facts } from './arbitrary.ts';

/*
 * `observe_never_lets_destroy_pass`: while an agent is observed, what destroys, removes a way to recover or cannot be
 * taken back is decided as ever; nothing but verdicts of policies, provenance and consults is let pass; each keeps the
 * ceiling that it would have given; nothing irreversible is `auto`; and outside its days nothing is let pass at all.
 */

const DAY = 86_400_000;
const CODES: readonly [check: string, code: string][] = [
  ['policy', 'POLICY_FORBIDS'],
  ['policy', 'POLICY_PERMITS_NOT'],
  ['policy', 'POLICY_FAILED'],
  ['provenance', 'UNTRUSTED_ARGUMENT'],
  ['provenance', 'CHECK_FAILED'],
  ['consult', 'CONSULT_DENIED'],
  ['consult', 'CONSULT_FAILED'],
];
const MAY_PASS = new Set([
  'POLICY_FORBIDS',
  'POLICY_PERMITS_NOT',
  'UNTRUSTED_ARGUMENT',
  'UNPROVEN_ARGUMENT',
  'PROVEN_BY_LEAF_ONLY',
  'CONSULT_DENIED',
]);

const said = fc
  .subarray([...CODES])
  .chain((some) =>
    fc.tuple(
      ...some.map(([check, code]) =>
        fc.constantFrom(...MODES).map((ceiling) => ({ check, code, ceiling })),
      ),
    ),
  )
  .map((all) => all as readonly { check: string; code: string; ceiling: Mode }[]);

/** Every real check, and these in place of those that speak of more than facts hold here. */
function checksWith(
  some: readonly { check: string; code: string; ceiling: Mode }[],
): ReadonlyMap<string, Check> {
  const stand = new Map<string, Check>(CHECKS);
  for (const { check, code, ceiling } of some)
    stand.set(check, () => ({ ceiling, code, reason: 'as drawn' }));
  return stand;
}

function observedFrom(f: Facts, from: number, until: number): Facts {
  const agents = Object.fromEntries(
    ['ann', 'bob'].map((name) => [name, { name, owner: 'o@x.example', observe: { from, until } }]),
  );
  return { ...f, bundle: { ...f.bundle, agents } };
}

/** A tool that reaches nobody: half of them, since few are drawn so. */
function withoutReach(f: Facts): Facts {
  if (f.tool === null) return f;
  const cap = { ...f.tool.cap, irreversible: 0, moneyMicros: 0, recipients: 0 };
  return { ...f, tool: { ...f.tool, cap } };
}

const days = fc.oneof(
  { weight: 3, arbitrary: fc.constant([-1, 5] as const) },
  fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 40 })),
);

test('observe_never_lets_destroy_pass', () => {
  let passed = 0;
  fc.assert(
    fc.property(facts, fc.boolean(), said, days, (drawn, isPlain, some, [first, last]) => {
      const plain = isPlain ? withoutReach(drawn) : drawn;
      const checks = checksWith(some);
      const [from, until] = [plain.now + first * DAY, plain.now + last * DAY];
      const f = observedFrom(plain, from, until);
      const real = judge({ ...f, bundle: { ...f.bundle, agents: {} } }, checks);
      const decision = judge(f, checks);
      const passing = decision.verdicts.filter(({ would }) => would !== undefined);
      const isOn = from <= f.now && f.now < until && f.now < from + MAX_OBSERVED_MS;
      const { tool } = f;
      const final =
        tool === null ||
        tool.effect === 'destroy' ||
        tool.recoveryPath ||
        f.removes !== null ||
        tool.cap.irreversible + tool.cap.moneyMicros + tool.cap.recipients > 0 ||
        tool.lineage?.outward === true ||
        (tool.effect === 'write' && tool.reversibility === 'none');
      if (!isOn || final) {
        assert.deepEqual(passing, []);
        assert.equal(decision.mode, real.mode);
        return;
      }
      passed += passing.length;
      for (const verdict of passing) {
        assert.ok(MAY_PASS.has(verdict.code), verdict.code);
        const was = real.verdicts.find(({ check }) => check === verdict.check);
        assert.equal(verdict.would, was?.ceiling, 'the record says what it would have been');
      }
      const held = real.verdicts.filter(({ check }) => !passing.some((one) => one.check === check));
      const lowest = held.reduce((low: Mode, { ceiling }) => lower(low, ceiling), 'auto');
      assert.ok(!isHigher(decision.mode, lowest), 'every other check holds');
      if (decision.mode === 'auto' && tool.effect !== 'read')
        assert.ok(tool.reversibility === 'exercised' && tool.idempotent);
      for (const verdict of decision.verdicts) assert.ok(!isHigher(decision.mode, verdict.ceiling));
    }),
    { numRuns: 4_000 },
  );
  assert.ok(passed > 50, `${passed} were let pass`);
});

test('one who acts in the run and is not observed holds the others', () => {
  fc.assert(
    fc.property(facts, said, (plain, some) => {
      const f = observedFrom(plain, plain.now - DAY, plain.now + DAY);
      const { run } = f;
      if (run === null) return;
      const { [run.agent]: _, ...agents } = f.bundle.agents;
      const alone = { ...f, bundle: { ...f.bundle, agents } };
      assert.ok(judge(alone, checksWith(some)).verdicts.every(({ would }) => would === undefined));
    }),
  );
});
