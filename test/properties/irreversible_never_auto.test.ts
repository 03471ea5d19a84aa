import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide, isAutoEligible } from '../../src/domain/decision.ts';
import { MODES } from '../../src/domain/mode.ts';
import { reversibility } from '../../src/judge/checks/reversibility.ts';
import { judge } from '../../src/judge/judge.ts';
import { facts } from './arbitrary.ts';

test('irreversible_never_auto: no facts make a write without exercised undo and idempotency `auto`', () => {
  fc.assert(
    fc.property(facts, (f) => {
      const { mode } = judge(f);
      if (mode !== 'auto') return;
      assert.ok(f.tool !== null);
      if (f.tool.effect !== 'read')
        assert.ok(f.tool.reversibility === 'exercised' && f.tool.idempotent);
    }),
    { numRuns: 4000 },
  );
});

test('irreversible_never_auto: the check alone holds it, and so does the type without the check', () => {
  fc.assert(
    fc.property(facts, fc.constantFrom(...MODES), (f, ceiling) => {
      if (f.tool === null) return;
      const nature = {
        class: f.tool.effect,
        reversibility: f.tool.reversibility,
        idempotent: f.tool.idempotent,
      };
      if (!isAutoEligible(nature)) {
        assert.notEqual(reversibility(f)?.ceiling ?? 'auto', 'auto');
        assert.notEqual(decide(nature, ceiling, []).mode, 'auto');
      }
    }),
    { numRuns: 2000 },
  );
});

test('irreversible_never_auto: removing a recovery path in production is denied whatever the grant', () => {
  const seen = { tool: 0, arguments: 0 };
  fc.assert(
    fc.property(facts, (f) => {
      if (f.tool === null || f.connection?.environment === 'staging') return;
      if (!f.tool.recoveryPath && f.removes === null) return;
      seen[f.tool.recoveryPath ? 'tool' : 'arguments']++;
      const { mode, verdicts } = judge(f);
      assert.equal(mode, 'deny');
      // by this very check: most of these facts are denied by another one too, which would hide that it was gone
      const own = verdicts.find(({ check }) => check === 'reversibility');
      assert.deepEqual([own?.ceiling, own?.code], ['deny', 'RECOVERY_PATH']);
    }),
    { numRuns: 2000 },
  );
  assert.ok(seen.tool > 50 && seen.arguments > 50, `both were tried: ${JSON.stringify(seen)}`);
});
