import type { TestContext } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { replay } from '../../src/broker/replay.ts';
import { PACK } from '../../src/policy/pack.ts';
import { openWorld } from '../../test/properties/world.ts';

const AT_ONCE = 32;
const RUNS = 10;

/** Decisions a minute: made by the real sequence of an action, kept in a real ledger, read back and asked about twice. */
export async function replayRate(
  decisions: number,
  tell: (line: string) => void,
): Promise<{ perMinute: number; decisions: number; changed: number }> {
  const closing: (() => unknown)[] = [];
  const context = { after: (close: () => unknown) => closing.push(close) };
  const world = await openWorld(context as unknown as TestContext);
  try {
    await world.apply(() => ({ policies: { set: PACK } }));
    const left = Array.from({ length: RUNS }, () => world.run('ann'));
    const runs = await Promise.all(left);
    let begun = 0;
    const lane = async (): Promise<void> => {
      for (let at = begun++; at < decisions; at = begun++) {
        const runId = runs[at % RUNS] ?? '';
        const given = { at, note: 'what an agent might say of a record it looks at '.repeat(4) };
        await act(world.broker, { runId, tool: 'look', arguments: given, via: 'bench' });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    tell(`${decisions} decisions recorded`);
    const before = await world.broker.bundles.active();
    const night =
      '@id("few") forbid (principal, action == Action::"look", resource) when { context.effect.rowsRead > 4 && context.run.ageSeconds > 5 };';
    const after = { ...before, digest: 'candidate', policies: { set: { ...PACK, few: night } } };
    const given = { before, after, since: 0, most: decisions * 2 };
    await replay(world.broker, { ...given, most: 1_000 });
    const from = performance.now();
    const report = await replay(world.broker, given);
    const ms = performance.now() - from;
    if (report.disagreed > 0) throw new Error('the reference engine saw it otherwise');
    return {
      perMinute: Math.round((report.decisions * 60_000) / ms),
      decisions: report.decisions,
      changed: report.changed,
    };
  } finally {
    for (const close of closing) await close();
  }
}
