import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gather } from '../../src/broker/gather.ts';
import { beginRun, beginSubRun } from '../../src/broker/runs.ts';
import type { Bundle, User } from '../../src/domain/bundle.ts';
import { isHigher, type Mode, RUNGS } from '../../src/domain/mode.ts';
import type { Run } from '../../src/domain/run.ts';
import { judge } from '../../src/judge/judge.ts';
import { openWorld, type PropertyWorld } from './world.ts';

/*
 * `subject_never_widens`: a run on behalf of a user can do exactly what the same run could do without, and what that user
 * may; so can every run under it, whoever acts there. Nobody names a user that the bundle did not trust it with.
 */

const AGENTS = ['ann', 'bob'];
const TOOLS = ['look', 'change', 'wipe'];
const USERS = ['dana', 'eve@acme.example'];

const rung = fc.constantFrom(null, ...RUNGS.filter((one) => one !== 'auto'));
const scene = fc.record({
  rungs: fc.array(rung, { minLength: 6, maxLength: 6 }),
  may: fc.array(fc.subarray(TOOLS), { minLength: 2, maxLength: 2 }),
  trusted: fc.constantFrom(undefined, [], ['dana'], ['*']),
  subject: fc.constantFrom(...USERS, 'nobody'),
  others: fc.array(fc.constantFrom(...AGENTS), { maxLength: 3 }),
});
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never;

async function applied(world: PropertyWorld, { rungs, may, trusted }: Scene): Promise<void> {
  const grants = AGENTS.flatMap((agent, a) =>
    TOOLS.flatMap((tool, t) => {
      const held = rungs[a * 3 + t] ?? null;
      return held === null ? [] : [{ agent, tool, rung: held }];
    }),
  );
  const users: Record<string, User> = Object.fromEntries(
    USERS.map((name, u) => [name, { name, tools: may[u] ?? [] }]),
  );
  await world.apply(({ agents }: Bundle) => ({
    grants,
    users,
    agents: Object.fromEntries(
      Object.entries(agents).map(([name, agent]) => [
        name,
        { ...agent, ...(trusted === undefined ? {} : { subjects: trusted }) },
      ]),
    ),
  }));
}

async function modes({ broker }: PropertyWorld, runId: string): Promise<readonly Mode[]> {
  return Promise.all(
    TOOLS.map(async (tool) => {
      const facts = await gather(broker, { runId, tool, arguments: {}, via: 'test' });
      return judge(facts).mode;
    }),
  );
}

/** A tree of the same shape each time: under the root one run after the other. */
async function tree(world: PropertyWorld, given: Scene, subject: string | null): Promise<Run[]> {
  const { broker } = world;
  const root = await beginRun(broker, { agent: 'ann', intent: 'x', budget: {}, subject });
  const runs = [root];
  for (const agent of given.others) {
    const parent = runs.at(-1)?.id ?? '';
    runs.push(await beginSubRun(broker, { parent, agent, intent: 'x', budget: {} }));
  }
  return runs;
}

test('subject_never_widens', async (t) => {
  const world = await openWorld(t);
  const told = { refused: 0, denied: 0, allowed: 0 };
  await fc.assert(
    fc.asyncProperty(scene, async (given) => {
      await applied(world, given);
      const { subject } = given;
      const trusted: readonly string[] = given.trusted ?? [];
      const known = USERS.includes(subject);
      const named = trusted.includes('*') || trusted.includes(subject);
      if (!known || !named) {
        await assert.rejects(tree(world, given, subject), { code: 'SUBJECT_REFUSED' });
        told.refused++;
        return;
      }
      const may = given.may[USERS.indexOf(subject)] ?? [];
      const bound = await tree(world, given, subject);
      const free = await tree(world, given, null);
      for (const [index, run] of bound.entries()) {
        assert.equal(run.subject, subject, 'a sub-run is on behalf of the same user');
        const [own, without] = [
          await modes(world, run.id),
          await modes(world, free[index]?.id ?? ''),
        ];
        for (const [place, tool] of TOOLS.entries()) {
          const [mode, other] = [own[place] as Mode, without[place] as Mode];
          assert.ok(!isHigher(mode, other), `${tool}: ${mode} on behalf, ${other} without`);
          assert.equal(mode, may.includes(tool) ? other : 'deny', tool);
          if (mode === 'deny' && other !== 'deny') told.denied++;
          if (mode !== 'deny') told.allowed++;
        }
      }
      const under = { parent: bound[0]?.id ?? '', agent: null, intent: 'x', budget: {} };
      const another = USERS.find((user) => user !== subject) ?? '';
      await assert.rejects(beginSubRun(world.broker, { ...under, subject: another }), {
        code: 'DELEGATION_WIDENS',
      });
    }),
    { numRuns: 120 },
  );
  assert.ok(told.refused > 0 && told.denied > 0 && told.allowed > 0, JSON.stringify(told));
});
