/** How an agent gets one proposal through: calls, waits for its human, and repeats the same call when the answer was lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { callTool, type RunHandle, type Said } from './agent.ts';
import type { Proposal } from './proposals.ts';
import { count, type World } from './world.ts';

const MOST_TRIES = 60;
const MOST_FAILURES = 4;
const PAUSE_MS = 5;

export type End = Exclude<Said['kind'], 'pending' | 'lost'> | 'gave up';

/** Resolves with the answer that ended it. A failed call is repeated: it was told that nothing happened. */
export async function perform(world: World, run: RunHandle, proposal: Proposal): Promise<End> {
  world.proposals.set(proposal.marker, proposal);
  let failures = 0;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const said = await call(world, run, proposal);
    if (said.kind === 'pending') await decide(world, said.approval, proposal);
    else if (said.kind === 'lost') await sleep(PAUSE_MS);
    else if (said.kind !== 'failed' || ++failures >= MOST_FAILURES) return said.kind;
  }
  count(world.heard, 'gave up');
  return 'gave up';
}

/** Until it is approved, and no further: the next call of it would execute. */
export async function approved(world: World, run: RunHandle, proposal: Proposal): Promise<boolean> {
  world.proposals.set(proposal.marker, proposal);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const said = await call(world, run, proposal);
    if (said.kind === 'pending') {
      if (await decide(world, said.approval, proposal)) return true;
    } else if (said.kind === 'lost') await sleep(PAUSE_MS);
    else return false;
  }
  return false;
}

export async function call(world: World, run: RunHandle, proposal: Proposal): Promise<Said> {
  const { agentsUrl } = await world.box.up();
  const said = await callTool(agentsUrl, run, proposal.tool, proposal.args);
  count(world.heard, `${proposal.tool} ${said.kind}${'code' in said ? ` ${said.code}` : ''}`);
  if (said.kind === 'done') world.told.done.add(proposal.marker);
  return said;
}

/**
 * The human: looks at the target first, and lets nothing through that is there already. An approval given once more, after
 * Signalbox said that nothing had happened, would show every time that this was not true.
 */
async function decide(world: World, approval: string, { marker }: Proposal): Promise<boolean> {
  const there = world.http.effects.has(marker) || (await world.postgres.seen(marker));
  const { operatorsUrl } = await world.box.up();
  const verb = there ? 'refuse' : 'approve';
  const taken = await world.operator.answer(operatorsUrl, approval, verb);
  count(world.heard, `${verb} ${taken}`);
  if (taken === 'given') world.told.approvals.add(approval);
  return taken === 'given' && !there;
}
