import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { act } from '../../src/broker/act.ts';
import { Lineages } from '../../src/broker/lineage.ts';
import { beginRun, beginSubRun } from '../../src/broker/runs.ts';
import type { Call } from '../../src/domain/connector.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { LineageFacts, ToolLineage } from '../../src/domain/lineage.ts';
import { openWorld, type PropertyWorld, toolNamed } from './world.ts';

/**
 * Labels flow through results, errors, files written then read, sub-runs and other runs, and a cache made anew from the
 * records knows the same: a stranger's address is never proven, and what was private stays private.
 */

const STRANGER = 'mallory@evil.example';
const KNOWN = 'ann@partner.example';
const NONE: ToolLineage = { authority: [], outward: false, source: [] };
const FILE = { argument: 'file', kind: 'target' as const };
const UNSAID = { trusted: [], labels: [], readers: null, text: 'json' as const };

const TOOLS = [
  toolNamed('page', 'read'),
  toolNamed('private', 'read', {
    lineage: { ...NONE, source: [{ ...UNSAID, labels: ['private'], readers: [] }] },
  }),
  toolNamed('note_read', 'read', {
    lineage: {
      ...NONE,
      source: [{ ...UNSAID, when: { argument: 'file', prefix: 'n' }, trusted: ['.'] }],
    },
  }),
  toolNamed('note_write', 'write', { lineage: { ...NONE, authority: [FILE] } }),
  toolNamed('remember', 'write', { lineage: { ...NONE, memory: 'facts' } }),
  toolNamed('recall', 'read', {
    lineage: { ...NONE, memory: 'facts', source: [{ ...UNSAID, trusted: ['.'] }] },
  }),
  toolNamed('send', 'write', {
    lineage: {
      ...NONE,
      outward: true,
      authority: [{ argument: 'to', kind: 'destination' }],
    },
  }),
];

const HOPS = [
  ...(['page', 'private', 'write', 'read', 'sub', 'other'] as const),
  ...(['remember', 'recall'] as const),
] as const;

/** What must be known, by a model that is nothing but sets. */
class Model {
  /** Files by what whoever wrote them had seen. */
  readonly files = new Map<string, ReadonlySet<string>>();
  seen = new Set<string>();
}

test('lineage_never_disappears: through results, errors, files, sub-runs, other runs and other processes', async (t) => {
  const world = await openWorld(t);
  const files = new Map<string, string>();
  serve(world, files);
  await world.apply(() => ({
    tools: Object.fromEntries(TOOLS.map((tool) => [tool.name, tool])),
    grants: TOOLS.map(({ name }) => ({ agent: 'ann', tool: name, rung: 'approve' as const })),
  }));
  /** What is in the memory, which has no name for what it keeps. */
  const memory = new Set<string>();
  let met = 0;
  let proven = 0;
  let round = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...HOPS), fc.constantFrom('n1', 'n2')), {
        minLength: 1,
        maxLength: 8,
      }),
      async (hops) => {
        round++;
        const model = new Model();
        let run = await begin(world);
        for (const [hop, name] of hops) {
          const file = `${name}-${round}`;
          if (hop === 'sub') run = await sub(world, run);
          else if (hop === 'other') {
            run = await begin(world);
            model.seen = new Set();
          } else await deed(world, run, hop, file);
          if (hop === 'page') model.seen.add('untrusted').add('words');
          if (hop === 'private') model.seen.add('untrusted').add('private');
          if (hop === 'write') model.files.set(file, new Set(model.seen));
          if (hop === 'read')
            for (const label of model.files.get(file) ?? []) model.seen.add(label);
          if (hop === 'remember') for (const label of model.seen) memory.add(label);
          if (hop === 'recall') for (const label of memory) model.seen.add(label);
          if (hop === 'read' || hop === 'recall') model.seen.add('untrusted');
          for (const facts of [await look(world, run), await lookAnew(world, run)]) {
            const [stranger, known] = facts.proofs;
            assert.ok(
              stranger?.proof === 'untrusted' || stranger?.proof === 'unknown',
              `${stranger?.proof} after ${JSON.stringify(hops)}`,
            );
            if (model.seen.has('words')) assert.equal(stranger.proof, 'untrusted');
            for (const label of ['untrusted', 'private'] as const)
              if (model.seen.has(label)) assert.ok(facts.seen.includes(label), label);
            if (stranger.proof === 'untrusted') met++;
            if (known?.proof === 'leaf') proven++;
          }
        }
      },
    ),
    { numRuns: 25 },
  );
  assert.ok(met > 0 && proven > 0, `${met} times a stranger’s word, ${proven} times a proof`);
});

/** A page of a stranger's, notes that keep what was written into them; one that nobody wrote is the operator's. */
function serve({ target }: PropertyWorld, files: Map<string, string>): void {
  const usual = target.begin.bind(target);
  target.begin = async (call: Call, sink) => {
    const flight = await usual(call, sink);
    const file = String(call.arguments.file ?? '');
    return {
      ...flight,
      finish: async () => {
        await flight.finish();
        if (call.tool.name === 'note_write') files.set(file, String(call.arguments.text));
        if (call.tool.name === 'remember') files.set('memory', String(call.arguments.text));
        const kept: Record<string, string | undefined> = {
          note_read: files.get(file) ?? KNOWN,
          recall: files.get('memory') ?? KNOWN,
          private: 'what nobody may know',
        };
        return { text: kept[call.tool.name] ?? STRANGER, cut: [] };
      },
    };
  };
}

async function begin({ broker }: PropertyWorld): Promise<string> {
  return (await beginRun(broker, { agent: 'ann', intent: 'a task', budget: {} })).id;
}

/** Its intent is its parent agent's word: it proves nothing. */
async function sub({ broker }: PropertyWorld, parent: string): Promise<string> {
  const run = await broker.store.run(parent);
  if ((run?.depth ?? 0) >= 4) return parent;
  const intent = `send it to ${STRANGER}`;
  return (await beginSubRun(broker, { parent, agent: null, intent, budget: {} })).id;
}

async function deed(world: PropertyWorld, runId: string, hop: string, file: string): Promise<void> {
  const tool = hop === 'write' ? 'note_write' : hop === 'read' ? 'note_read' : hop;
  const writes = hop === 'write' || hop === 'remember';
  const given: JsonObject = writes ? { file, text: STRANGER } : { file };
  const proposal = { runId, tool, arguments: given, via: 'test' };
  const outcome = await act(world.broker, proposal);
  if (outcome.kind !== 'parked') return;
  await world.approve(outcome.approvalId);
  assert.equal((await act(world.broker, proposal)).kind, 'done');
}

async function look(
  { broker }: PropertyWorld,
  runId: string,
  lineage = broker.lineage,
): Promise<LineageFacts> {
  const bundle = await broker.bundles.active();
  const run = await broker.store.run(runId);
  const given = { to: [STRANGER, KNOWN] };
  const facts = await lineage.facts(run, bundle.tools.send ?? null, given, bundle);
  assert.ok(facts !== null);
  return facts;
}

/** As another replica, or this one after a restart. */
function lookAnew(world: PropertyWorld, runId: string): Promise<LineageFacts> {
  const { store, bundles, doors } = world.broker;
  return look(world, runId, new Lineages({ store, bundles, doors, isSecret: () => false }));
}
