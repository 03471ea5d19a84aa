import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { act } from '../../src/broker/act.ts';
import { gather } from '../../src/broker/gather.ts';
import { beginRun, beginSubRun } from '../../src/broker/runs.ts';
import { SignalboxError } from '../../src/domain/errors.ts';
import { isHigher, type Mode, RUNGS } from '../../src/domain/mode.ts';
import type { Run } from '../../src/domain/run.ts';
import { judge } from '../../src/judge/judge.ts';
import { openWorld, type PropertyWorld } from './world.ts';

/*
 * `attenuation_never_widens`: in any tree of runs, whatever was asked for when they were begun, nothing a descendant may
 * do is denied to a run above it, it lasts no longer, and what the tree spends stays within every limit on the way up.
 */

const AGENTS = ['ann', 'bob'];
const TOOLS = ['look', 'change', 'wipe'];

const some = fc.integer({ min: 0, max: 6 });
const asked = fc.record({
  under: fc.nat(7),
  agent: fc.constantFrom(null, ...AGENTS),
  tools: fc.option(fc.subarray(TOOLS), { freq: 2 }),
  calls: fc.option(some, { freq: 2 }),
  lifetimeMs: fc.option(fc.integer({ min: 1_000, max: 40_000_000 }), { freq: 2 }),
});
const scene = fc.record({
  rungs: fc.array(fc.constantFrom(null, ...RUNGS.filter((rung) => rung !== 'auto')), {
    minLength: 6,
    maxLength: 6,
  }),
  limit: fc.option(some.map((calls) => calls + 3)),
  root: asked,
  asks: fc.array(asked, { minLength: 2, maxLength: 7 }),
  spenders: fc.array(fc.nat(7), { maxLength: 14 }),
});
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

/** Agents hold what they are granted; `look` always, so that there is something to spend on. */
async function applied(world: PropertyWorld, { rungs, limit }: Scene): Promise<void> {
  const grants = AGENTS.flatMap((agent, a) =>
    TOOLS.flatMap((tool, t) => {
      const rung = rungs[a * 3 + t] ?? (tool === 'look' ? 'read' : null);
      return rung === null ? [] : [{ agent, tool, rung }];
    }),
  );
  await world.apply(() => ({ grants, limits: limit === null ? {} : { run: { calls: limit } } }));
}

async function grown({ broker }: PropertyWorld, { root, asks }: Scene): Promise<[Run[], number]> {
  const budget = (calls: number | null) => (calls === null ? {} : { calls });
  const runs = [await beginRun(broker, { agent: 'ann', intent: 'x', budget: budget(root.calls) })];
  let refused = 0;
  for (const { under, agent, tools, calls, lifetimeMs } of asks) {
    const parent = runs[under % runs.length]?.id ?? '';
    const request = { parent, agent, intent: 'x', budget: budget(calls), tools, lifetimeMs };
    await beginSubRun(broker, request).then(
      (run) => runs.push(run),
      (fault: unknown) => {
        assert.ok(
          fault instanceof SignalboxError && fault.code === 'DELEGATION_WIDENS',
          `${fault}`,
        );
        refused++;
      },
    );
  }
  return [runs, refused];
}

/** The runs above, by their parents alone: not by what the run itself says of them. */
function above(run: Run, runs: readonly Run[]): Run[] {
  const parent = runs.find(({ id }) => id === run.parent);
  return parent === undefined ? [] : [parent, ...above(parent, runs)];
}

async function modes({ broker }: PropertyWorld, runId: string): Promise<readonly Mode[]> {
  const judged = TOOLS.map(async (tool) => {
    return judge(await gather(broker, { runId, tool, arguments: {}, via: 'test' })).mode;
  });
  return Promise.all(judged);
}

test('attenuation_never_widens', async (t) => {
  const world = await openWorld(t);
  const told = { refused: 0, begun: 0, denied: 0, short: 0 };
  await fc.assert(
    fc.asyncProperty(scene, async (given) => {
      await applied(world, given);
      const [runs, refused] = await grown(world, given);
      told.refused += refused;
      told.begun += runs.length - 1;
      const spent = new Map<string, number>();
      for (const spender of given.spenders) {
        const run = runs[spender % runs.length] as Run;
        const call = { runId: run.id, tool: 'look', arguments: {}, via: 'test' };
        if ((await act(world.broker, call)).kind !== 'done') told.short++;
        else
          for (const { id } of [run, ...above(run, runs)]) spent.set(id, (spent.get(id) ?? 0) + 1);
      }
      for (const run of runs) {
        const most = Math.min(
          run.budget.calls ?? Number.POSITIVE_INFINITY,
          run.parent === null
            ? (given.limit ?? Number.POSITIVE_INFINITY)
            : Number.POSITIVE_INFINITY,
        );
        assert.ok((spent.get(run.id) ?? 0) <= most, `${spent.get(run.id)} spent of ${most}`);
        const own = await modes(world, run.id);
        for (const { tools } of [run, ...above(run, runs)])
          for (const [index, mode] of own.entries())
            if (tools?.includes(TOOLS[index] ?? '') === false) assert.equal(mode, 'deny');
        for (const ancestor of above(run, runs)) {
          assert.ok(run.expiresAt <= ancestor.expiresAt, 'it lasts longer');
          const theirs = await modes(world, ancestor.id);
          for (const [index, mode] of own.entries()) {
            const wider = isHigher(mode, theirs[index] as Mode);
            assert.ok(!wider, `${TOOLS[index]}: ${mode} below, ${theirs[index]} above`);
            if (mode === 'deny' && theirs[index] !== 'deny') told.denied++;
          }
        }
      }
    }),
    { numRuns: 25 },
  );
  assert.ok(told.refused > 5 && told.begun > 30, JSON.stringify(told));
  assert.ok(told.denied > 10 && told.short > 10, JSON.stringify(told));
});
