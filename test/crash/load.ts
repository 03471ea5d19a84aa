/** The load: agents that read and write all the time, each in runs of its own, through every crash. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beginRun, callTool, endRun, type RunHandle } from './agent.ts';
import { readKey } from './figures.ts';
import { perform } from './perform.ts';
import { addMark, hitSlot, NARROW_BUDGET, type Proposal, postMark } from './proposals.ts';
import { count, type World } from './world.ts';

const WRITES_A_RUN = 20;
const READS_A_RUN = 150;
const PAUSE_MS = 4;

export interface Load {
  readonly narrowRuns: ReadonlySet<string>;
  /** Everybody finishes what they are at. */
  stop(): Promise<void>;
}

export function startLoad(world: World): Load {
  const narrowRuns = new Set<string>();
  const state = { stopped: false };
  const going = (): boolean => !state.stopped;
  const workers = [
    writer(world, going, [addMark, hitSlot]),
    writer(world, going, [postMark, hitSlot, postMark]),
    narrowWriter(world, going, narrowRuns),
    reader(world, going, 'get_slot', () => ({ slot: 1 + Math.floor(Math.random() * 500) })),
    reader(world, going, 'get_mark', () => ({ marker: `m${Math.floor(Math.random() * 500)}` })),
  ];
  const all = Promise.all(workers);
  all.catch(() => {});
  return {
    narrowRuns,
    async stop() {
      state.stopped = true;
      await all;
    },
  };
}

/** A run, however long it takes to get one. */
export async function freshRun(world: World, intent: string, budget = {}): Promise<RunHandle> {
  for (;;) {
    const { agentsUrl } = await world.box.up();
    const run = await beginRun(agentsUrl, world.agentSecret, intent, budget);
    if (run !== null) return run;
    await sleep(PAUSE_MS * 5);
  }
}

/** Ended for sure: an end whose answer was lost is asked for again. */
export async function finishRun(world: World, run: RunHandle): Promise<void> {
  for (;;) {
    const { agentsUrl } = await world.box.up();
    if (await endRun(agentsUrl, run)) return;
    await sleep(PAUSE_MS * 5);
  }
}

async function writer(
  world: World,
  going: () => boolean,
  kinds: readonly (() => Proposal)[],
): Promise<void> {
  while (going()) {
    const run = await freshRun(world, 'write under load');
    for (let writes = 0; going() && writes < WRITES_A_RUN; writes++) {
      const make = kinds[writes % kinds.length] ?? addMark;
      if ((await perform(world, run, make())) === 'denied') break;
      await sleep(PAUSE_MS);
    }
    await finishRun(world, run);
  }
}

/** Its runs may write so little that each ends at its limit. */
async function narrowWriter(
  world: World,
  going: () => boolean,
  narrowRuns: Set<string>,
): Promise<void> {
  while (going()) {
    const run = await freshRun(world, 'write until the limit', NARROW_BUDGET);
    narrowRuns.add(run.id);
    let end: string = 'done';
    for (let writes = 0; going() && end !== 'refused' && end !== 'denied' && writes < 10; writes++)
      end = await perform(world, run, hitSlot());
    if (end === 'refused') count(world.heard, 'narrow run at its limit');
    await finishRun(world, run);
  }
}

async function reader(
  world: World,
  going: () => boolean,
  tool: string,
  args: () => { readonly [name: string]: string | number },
): Promise<void> {
  while (going()) {
    const run = await freshRun(world, 'read under load');
    for (let reads = 0; going() && reads < READS_A_RUN; reads++) {
      const { agentsUrl } = await world.box.up();
      const said = await callTool(agentsUrl, run, tool, args());
      count(world.heard, `${tool} ${said.kind}${'code' in said ? ` ${said.code}` : ''}`);
      if (said.kind === 'done') count(world.told.reads, readKey(run.id, tool));
      if (said.kind === 'denied') break;
      await sleep(PAUSE_MS);
    }
    await finishRun(world, run);
  }
}
