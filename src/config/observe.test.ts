import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from './load.ts';
import { BASE, base, edited, planOf } from './testing/plans.ts';

const observed = (from: string, until: string): string =>
  BASE.replace(/(bot: \{ owner: [^ ,}]+)/, `$1, observe: { from: "${from}", until: "${until}" }`);

test('observing has an end, at most 14 days away', () => {
  assert.ok(loadConfig(observed('2026-12-01', '2026-12-15'), 's.yaml').agents.bot?.observe);
  for (const [from, until] of [
    ['2026-12-01', '2026-12-16'],
    ['2026-12-01', '2026-12-01'],
    ['2026-12-02', '2026-12-01'],
    ['2026-12-01', '2026-13-01'],
  ] as const)
    assert.throws(() => loadConfig(observed(from, until), 's.yaml'), /observe/, `${from} ${until}`);
});

test('that it begins, or goes on, is a widening; that it ends is none', async () => {
  const bundle = base;
  const words = (plan: { changes: readonly { widens: readonly string[] }[] }) =>
    plan.changes.flatMap(({ widens }) => widens).join('\n');
  const begun = await planOf(observed('2026-12-01', '2026-12-10'), bundle);
  assert.match(words(begun), /agent `bot` is OBSERVED from 2026-12-01 until 2026-12-10/);
  const longer = await planOf(observed('2026-12-01', '2026-12-11'), begun.bundle);
  assert.match(words(longer), /OBSERVED/);
  const shorter = await planOf(observed('2026-12-02', '2026-12-10'), begun.bundle);
  assert.equal(words(shorter), '');
  assert.equal(words(await planOf(edited(), begun.bundle)), '');
});
