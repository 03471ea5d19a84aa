import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BEAT_MS, BOUND_MS, hold, openPair } from '../replicas/pair.ts';

const STAGES = ['before', 'mint', 'begin', 'finish', 'after'] as const;

test('freshness_or_stop: what has not read the halt state within the bound begins and finishes nothing', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...STAGES),
      fc.constantFrom('cut', 'paused'),
      fc.oneof(
        fc.integer({ min: 0, max: BOUND_MS - BEAT_MS - 11 }),
        fc.integer({ min: BOUND_MS + 1, max: 3 * BOUND_MS }),
      ),
      async (stage, how, quietMs) => {
        // paused inside its adapter, with the call on the wire: only its source or its target can stop that
        fc.pre(stage !== 'finish' || how === 'cut');
        const { time, target, issuer, b, run, approved } = await openPair(t);
        const ann = await run();
        await approved(ann, 1);
        let made: number | null = null;
        target.witness = async () => {
          made = time.elapsed;
        };
        const held = stage === 'begin' || stage === 'finish' ? hold(target, stage) : null;
        const minting = Promise.withResolvers<void>();
        if (stage === 'mint') {
          const mint = issuer.mint.bind(issuer);
          issuer.mint = (request) => minting.promise.then(() => mint(request));
        }
        let flying = stage === 'after' ? null : b.call(ann, 1);
        if (stage === 'mint') await time.pass(1);
        await held?.full;
        const since = time.elapsed;
        const begun = target.begun.length;
        if (how === 'cut') b.way.cut();
        else b.process.isPaused = true;
        await time.pass(quietMs);
        // waking, it goes on where it was before any of its timers runs
        minting.resolve();
        held?.open();
        flying ??= b.call(ann, 1);
        await time.pass(0);
        b.process.isPaused = false;
        await time.pass(5);
        const [at, bound] = [made ?? 0, since + BOUND_MS];
        assert.ok(at <= bound, `${stage}, ${how}: an effect ${at - bound} ms after the bound`);
        if (quietMs > BOUND_MS && (stage === 'mint' || stage === 'after'))
          assert.equal(target.begun.length, begun, `${stage}, ${how}: it was begun`);
        b.way.mend();
        await time.until(flying);
        // controls: in time it goes through, and once it has beaten again it serves
        if (quietMs < BOUND_MS) assert.equal(target.effects.length, 1, `${stage}, ${how}`);
        await time.pass(BEAT_MS);
        const look = await time.until(b.call(ann, 2, 'look'));
        assert.equal(look instanceof Error ? look : look.kind, 'done');
      },
    ),
    {
      numRuns: 60,
      examples: STAGES.flatMap((stage) =>
        (['cut', 'paused'] as const).map((how): [(typeof STAGES)[number], typeof how, number] => [
          stage,
          how,
          2 * BOUND_MS,
        ]),
      ),
    },
  );
});

test('freshness_or_stop: the refusal says why, and the process says that it is not ready', async (t) => {
  const { time, b, run } = await openPair(t);
  const ann = await run();
  b.way.cut();
  await time.pass(BOUND_MS + 1);
  const refused = await time.until(b.call(ann, 1));
  assert.ok(refused instanceof Error && 'code' in refused && refused.code === 'STORE_STALE');
  assert.equal(b.broker.freshness.isFresh, false);
});
