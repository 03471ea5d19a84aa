/** Limits at the real broker over a real store: over runs, agents and days, and what their refusals say. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { effectVector } from '../../src/domain/effect.ts';
import type { Outcome } from '../../src/domain/proposal.ts';
import { BUNDLE, openWorld, type PropertyWorld, toolNamed } from '../properties/world.ts';

const DAY_MS = 86_400_000;

function looking(world: PropertyWorld) {
  let turn = 0;
  return (runId: string, tool = 'look'): Promise<Outcome> =>
    act(world.broker, { runId, tool, arguments: { turn: ++turn }, via: 'test' });
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.refusal.code : outcome.kind;
}

function fixOf(outcome: Outcome): string {
  if (outcome.kind !== 'refused') throw new Error(`expected a refusal, got \`${outcome.kind}\``);
  return outcome.refusal.reasons.find(({ check }) => check === 'blast-radius')?.fix ?? '';
}

test('all agents together are held to a day; the next one begins anew', async (t) => {
  const world = await openWorld(t, { day: { calls: 3 } });
  const look = looking(world);
  const [ann, bob] = [await world.run('ann'), await world.run('bob')];
  const said = [await look(ann), await look(bob), await look(ann), await look(bob)].map(codeOf);
  assert.deepEqual(said, ['done', 'done', 'done', 'BLAST_RADIUS']);
  const refused = await look(ann);
  assert.match(fixOf(refused), /at most 0 calls; from 00:00 UTC on/);
  world.clock.ahead += DAY_MS;
  assert.equal(codeOf(await look(await world.run('bob'))), 'done');
});

test('what failed gives back what it reserved, on the run, the agent and the day', async (t) => {
  const world = await openWorld(t, {
    run: { rowsRead: 5 },
    agentDay: { rowsRead: 5 },
    day: { rowsRead: 5 },
  });
  const look = looking(world);
  const ann = await world.run('ann');
  world.target.gate = async () => {
    throw new Error('the target is away');
  };
  for (let turn = 0; turn < 3; turn++) assert.equal(codeOf(await look(ann)), 'failed');
  world.target.gate = async () => {};
  assert.equal(codeOf(await look(ann)), 'done', 'one row measured, though five were reserved');
  const refused = await look(ann);
  assert.equal(codeOf(refused), 'BLAST_RADIUS', 'five asked, four left');
  assert.match(fixOf(refused), /at most 4 rowsRead/);
});

test('a refusal names granted tools that would pass, and no others', async (t) => {
  const world = await openWorld(t);
  const read = (name: string, rowsRead: number) =>
    toolNamed(name, 'read', { cap: effectVector({ calls: 1, rowsRead }) });
  await world.apply(({ tools }) => ({
    tools: {
      ...tools,
      ...{
        one: read('one', 1),
        two: read('two', 2),
        many: read('many', 9),
        hidden: read('hidden', 1),
      },
    },
    grants: [
      ...BUNDLE.grants,
      ...['one', 'two', 'many'].map((tool) => ({ agent: 'ann', tool, rung: 'read' as const })),
    ],
    limits: { run: { rowsRead: 7 } },
  }));
  const look = looking(world);
  const ann = await world.run('ann');
  for (const tool of ['look', 'look', 'look']) assert.equal(codeOf(await look(ann, tool)), 'done');
  const fix = fixOf(await look(ann));
  assert.match(fix, /at most 4 rowsRead; now: `one`, `two`;/);
});
