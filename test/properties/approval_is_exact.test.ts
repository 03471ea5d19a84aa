import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { act } from '../../src/broker/act.ts';
import { answer } from '../../src/broker/answer.ts';
import type { Bundle } from '../../src/domain/bundle.ts';
import { openWorld, type PropertyWorld, toolNamed } from './world.ts';

/** Each changes one thing that an approval covers; afterwards the same proposal must not run on it. */
const CHANGES: { readonly [name: string]: (world: PropertyWorld) => Promise<void> | void } = {
  'the rows moved': (world) => world.target.move(),
  'its time is over': (world) => {
    world.clock.ahead += 61 * 60_000;
  },
  'the tool is another definition': (world) =>
    world.apply((bundle) => ({
      tools: { ...bundle.tools, change: toolNamed('change', 'write', { description: 'another' }) },
    })),
  'the target is another environment': (world) =>
    world.apply((bundle) => ({
      connections: {
        target: {
          ...bundle.connections.target,
          name: 'target',
          kind: 'target',
          environment: 'staging',
          settings: {},
        },
      },
    })),
  'the connection points elsewhere': (world) => world.apply(elsewhere),
  'the grant was taken away': (world) =>
    world.apply((bundle) => ({ grants: bundle.grants.filter(({ tool }) => tool !== 'change') })),
};

test('approval_is_exact: it runs once, whoever races for it', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 6 }), async (racers) => {
      const world = await openWorld(t);
      const run = await world.run('ann');
      await approvedChange(world, run, 1);
      const outcomes = await Promise.all(
        Array.from({ length: racers }, () => change(world, run, 1)),
      );
      assert.equal(
        outcomes.filter((outcome) => !(outcome instanceof Error) && outcome.kind === 'done').length,
        1,
      );
      assert.equal(world.target.effects.length, 1);
    }),
    { numRuns: 8 },
  );
});

for (const [name, alter] of Object.entries(CHANGES))
  test(`approval_is_exact: not when ${name}`, async (t) => {
    const world = await openWorld(t);
    const run = await world.run('ann');
    await approvedChange(world, run, 1);
    await alter(world);
    const outcome = await change(world, run, 1);
    assert.ok(!(outcome instanceof Error), String(outcome));
    assert.ok(outcome.kind === 'parked' || outcome.kind === 'refused', outcome.kind);
    assert.equal(world.target.effects.length, 0);
  });

test('approval_is_exact: not for other arguments, another tool or another run', async (t) => {
  const world = await openWorld(t);
  const [run, other] = [await world.run('ann'), await world.run('ann')];
  await approvedChange(world, run, 1);
  for (const [runId, tool, id] of [
    [run, 'change', 2],
    [run, 'wipe', 1],
    [other, 'change', 1],
  ] as const)
    assert.equal(
      (await act(world.broker, { runId, tool, arguments: { id }, via: 'test' })).kind,
      'parked',
    );
  assert.equal(world.target.effects.length, 0);
});

test('approval_is_exact: an answer to anything but the very bytes shown is no answer', async (t) => {
  const world = await openWorld(t);
  const run = await world.run('ann');
  const parked = await change(world, run, 1);
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  const given = {
    approvalId: parked.approvalId,
    answer: 'approved',
    by: 'olga',
    because: 'test',
  } as const;
  await assert.rejects(answer(world.broker, { ...given, digest: 'another' }), {
    code: 'APPROVAL_CHANGED',
  });
  assert.equal(((await change(world, run, 1)) as { kind: string }).kind, 'parked');
});

test('approval_is_exact: a connection that moved gets a credential of its own, and the old one dies', async (t) => {
  const world = await openWorld(t);
  const run = await world.run('ann');
  const look = () => act(world.broker, { runId: run, tool: 'look', arguments: {}, via: 'test' });
  assert.equal((await look()).kind, 'done');
  await world.apply(elsewhere);
  assert.equal((await look()).kind, 'done');
  const [before, after] = world.target.effects;
  assert.notEqual(before?.credential, after?.credential);
});

/** The same name, another place. */
function elsewhere({ connections }: Bundle): Partial<Bundle> {
  const { target } = connections;
  assert.ok(target !== undefined);
  return { connections: { target: { ...target, settings: { host: 'elsewhere.example' } } } };
}

async function approvedChange(world: PropertyWorld, runId: string, id: number): Promise<void> {
  const parked = await change(world, runId, id);
  assert.ok(!(parked instanceof Error) && parked.kind === 'parked');
  await world.approve(parked.approvalId);
}

function change(world: PropertyWorld, runId: string, id: number) {
  return act(world.broker, { runId, tool: 'change', arguments: { id }, via: 'test' }).catch(
    (error: Error) => error,
  );
}
