import assert from 'node:assert/strict';
import { test } from 'node:test';
import { act } from '../../src/broker/act.ts';
import { replay } from '../../src/broker/replay.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { PACK } from '../../src/policy/pack.ts';
import { openWorld, toolNamed } from '../properties/world.ts';

const WRITTEN =
  '@id("few") forbid (principal == Agent::"bob", action == Action::"look", resource) when';

test('a replay tells what would be otherwise, by tool and agent, and changes nothing', async (t) => {
  const world = await openWorld(t);
  await world.apply(() => ({ policies: { set: PACK } }));
  const [ann, bob] = [await world.run('ann'), await world.run('bob')];
  for (const runId of [ann, bob, bob])
    await act(world.broker, { runId, tool: 'look', arguments: {}, via: 'test' });
  await act(world.broker, { runId: ann, tool: 'wipe', arguments: {}, via: 'test' });
  const before = await world.broker.bundles.active();
  const of = async (set: { readonly [id: string]: string }, since = 0) =>
    replay(world.broker, {
      ...{ before, since, most: 100 },
      after: { ...before, digest: 'candidate', policies: { set } },
    });
  const same = await of(PACK);
  assert.deepEqual([same.decisions, same.changed, same.otherwiseThen], [4, 0, 0]);
  const few = await of({ ...PACK, few: `${WRITTEN} { context.mode == Mode::"auto" };` });
  assert.deepEqual(few.transitions, { 'auto → approve': 2 });
  assert.deepEqual(few.tools, [{ tool: 'look', changed: 2, looser: 0 }]);
  assert.deepEqual(few.agents, [{ agent: 'bob', changed: 2, looser: 0 }]);
  assert.deepEqual(few.examples[0]?.why, '`few` forbids it');
  assert.ok(few.checked >= 2);
  assert.equal(few.disagreed, 0);
  const { 'signalbox.grants-decide': _, ...nothing } = PACK;
  assert.equal((await of(nothing)).stricter, 4);
  assert.equal((await of(PACK, world.broker.doors.clock.now() + 60_000)).decisions, 0);
  assert.equal((await world.broker.bundles.active()).digest, before.digest);
});

test('what policies held down then counts for nothing: another bundle may be looser', async (t) => {
  const world = await openWorld(t);
  const set = { ...PACK, few: `${WRITTEN} { true };` };
  await world.apply(() => ({ policies: { set } }));
  const runId = await world.run('bob');
  const refused = await act(world.broker, { runId, tool: 'look', arguments: {}, via: 'test' });
  assert.equal(refused.kind, 'refused');
  const before = await world.broker.bundles.active();
  const after = { ...before, digest: 'candidate', policies: { set: PACK } };
  const report = await replay(world.broker, { before, after, since: 0, most: 100 });
  assert.deepEqual(report.transitions, { 'deny → auto': 1 });
  assert.equal(report.looser, 1);
});

test('what was known of where words came from is replayed as it was', async (t) => {
  const world = await openWorld(t);
  const properties = { to: { type: 'string' }, cc: { type: 'string' } };
  const send = toolNamed('change', 'write', {
    inputSchema: { type: 'object', properties },
    lineage: { authority: [{ argument: 'to', kind: 'destination' }], outward: false, source: [] },
  });
  const mail = toolNamed('look', 'read', {
    lineage: {
      ...{ authority: [], outward: false },
      source: [{ trusted: [], labels: ['private'], readers: null, text: 'json' }],
    },
  });
  const own = { name: 'o', domains: ['o.example'] };
  await world.apply(({ tools }) => ({
    organisation: own,
    tools: { ...tools, change: send, look: mail },
  }));
  const runId = await world.run('ann');
  const call = (tool: string, given: JsonObject) =>
    act(world.broker, { runId, tool, arguments: given, via: 'test' });
  await call('change', { to: 'bob@o.example' });
  await call('look', {});
  await call('change', { to: 'carol@o.example' });
  await call('change', { to: 'eve@else.example' });
  const before = await world.broker.bundles.active();
  const forbidding = async (what: string, tools = before.tools) => {
    const set = { own: `permit (principal, action, resource) when { !(${what}) };` };
    const after = { ...before, digest: 'candidate', tools, policies: { set } };
    const { changed } = await replay(world.broker, { before, after, since: 0, most: 100 });
    return changed;
  };
  assert.equal(await forbidding('context.flow.private'), 2, 'after the mail was read');
  assert.equal(await forbidding('context.flow.egress'), 1, 'to whom is not of the organisation');
  assert.equal(await forbidding('context.flow.proof == Proof::"unknown"'), 1);
  // another argument carries authority now: nobody looked at it then, so the worst is taken where it was given
  const authority = ['to', 'cc'].map((argument) => ({ argument, kind: 'destination' as const }));
  const wider = { ...send, lineage: { authority, outward: false, source: [] } };
  await call('change', { to: 'bob@o.example', cc: 'zoe@o.example' });
  assert.equal(await forbidding('context.flow.egress', { ...before.tools, change: wider }), 2);
});
