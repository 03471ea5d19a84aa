import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GRAM, gramsOf, LETTERS, mayHold, runsIn, sharedRuns } from './grams.ts';

/** Of few letters, so that texts share much by chance. */
const text = (most: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('ab', 'ba', 'abba', 'c ', 'a'), { maxLength: most })
    .map((parts) => parts.join(''));

test('what another text holds is never passed over', () => {
  fc.assert(
    fc.property(text(60), text(60), fc.integer({ min: 0, max: 80 }), (one, own, at) => {
      const held = one.slice(at, at + 20);
      const all = `${own}${held}${own}`;
      assert.ok(mayHold(gramsOf(one, LETTERS), runsIn(held, LETTERS)));
      for (const least of [GRAM, 16, 32])
        for (const runs of [sharedRuns(runsIn(all, GRAM), gramsOf(one, GRAM), least)])
          for (let from = 0; from + least <= all.length; from++)
            if (one.includes(all.slice(from, from + least)))
              assert.ok(
                runs.some(({ start, end }) => start <= from && from + least <= end),
                `${all.slice(from, from + least)} at ${from}`,
              );
    }),
  );
});

test('what it holds not is told at once', () => {
  const grams = gramsOf('nothing in here but words of one person', GRAM);
  assert.equal(mayHold(grams, runsIn('and here are those of another', GRAM)), false);
  assert.deepEqual(sharedRuns(runsIn('and here are those of another', GRAM), grams, 16), []);
  assert.equal(runsIn('short', GRAM).length, 0);
});
