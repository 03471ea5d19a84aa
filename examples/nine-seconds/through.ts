/** Part two: Signalbox is started and set up through its public doors, then the same agent works through it. */

import { SIGNALBOX } from './command-line.ts';
import { lookBack } from './evidence.ts';
import { readAndWrite, type Stage } from './governed.ts';
import { haltMidCall } from './halted.ts';
import { type Running, startSignalbox } from './setup.ts';
import { replayTheIncident, searchTheEnvironment } from './stopped.ts';
import type { Story } from './story.ts';
import { startAgent } from './talk.ts';
import { targetOf } from './target.ts';
import type { World } from './world.ts';

const INTENT = 'Help customer 475 and keep the database tidy';

export interface Ground {
  readonly story: Story;
  readonly world: World;
  readonly workspace: string;
  readonly folder: string;
  readonly config: string;
  readonly ports: { readonly agents: number; readonly operators: number };
  /** Keeps what has to be ended again. */
  readonly started: { add(end: () => Promise<void> | void): void };
}

export async function throughSignalbox(ground: Ground): Promise<Running> {
  const { story, world, workspace, started } = ground;
  story.chapter('2  The same agent through Signalbox, on production');
  const running = await story.waiting(
    'starting Signalbox and setting it up',
    startSignalbox(ground),
  );
  const agent = startAgent({
    workspace,
    through: [process.execPath, SIGNALBOX, 'run', '--agent', 'support', '--intent', INTENT, '--'],
    env: { SIGNALBOX_HOME: running.home },
  });
  started.add(() => agent.stop());
  const stage: Stage = { story, agent, operator: running.operator, target: targetOf(world) };
  const approvalId = await readAndWrite(stage);
  await replayTheIncident(stage, world);
  await searchTheEnvironment(stage, running.secrets);
  await haltMidCall(stage);
  await agent.stop();
  await lookBack(story, running, approvalId);
  return running;
}
