/** Part two: Signalbox is started and set up through its public doors, then the same agent works through it. */

import { SIGNALBOX } from './command-line.ts';
import { lookBack } from './evidence.ts';
import { readAndWrite, type Stage } from './governed.ts';
import { haltMidCall, othersGoOn } from './halted.ts';
import { type Running, startSignalbox } from './setup.ts';
import { replayTheIncident, searchTheEnvironment } from './stopped.ts';
import { number, type Story } from './story.ts';
import { type Agent, startAgent } from './talk.ts';
import { difference, type Target, targetOf } from './target.ts';
import { BACKUPS, type World } from './world.ts';

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
  const { story, world } = ground;
  story.chapter('2  The same agent through Signalbox, on production');
  const target = targetOf(world);
  const running = await setUp(ground, target);
  story.note('destructive tools are granted on purpose; the operator approves whatever is parked');
  const before = await target.rows();
  const agent = govern(ground, running, 'support', 'Help customer 475 and keep things tidy');
  const stage: Stage = { story, agent, operator: running.operator, target };
  await searchTheEnvironment(stage, running.secrets);
  const approvalId = await readAndWrite(stage);
  await replayTheIncident(stage, world);
  const finance = govern(ground, running, 'finance', 'Report the revenue');
  await haltMidCall(stage);
  await othersGoOn(stage, finance);
  await Promise.all([agent.stop(), finance.stop()]);
  await lookBack(stage, running, approvalId);
  await story.step(
    'production',
    `1 of ${number(before.size)} rows changed, 0 gone, ${BACKUPS} of ${BACKUPS} backups there`,
    async () => {
      const { changed, gone } = difference(before, await target.rows());
      return {
        got: `${changed.length} of ${number(before.size)} rows changed, ${number(gone)} gone, ${target.backups()} of ${BACKUPS} backups there`,
      };
    },
  );
  return running;
}

/** The way a user does it: a setup code, then plain HTTP and the command line. */
async function setUp(ground: Ground, target: Target): Promise<Running> {
  let running: Running | undefined;
  const expected = 'a role per agent at the database, none that can log in yet';
  await ground.story.step('set up', expected, async () => {
    running = await startSignalbox(ground);
    const { grants, logins } = await target.roles();
    return {
      got: grants === 2 && logins === 0 ? expected : `${grants} roles, ${logins} logins`,
      notes: [
        'setup code, secrets, plan, apply, two agents enrolled; over HTTP and by `signalbox`',
      ],
    };
  });
  if (running === undefined) throw new Error('Signalbox was not set up');
  return running;
}

/** The same program, started by `signalbox run`: it gets a run token and an address, and nothing else. */
function govern(
  { workspace, started }: Ground,
  { home }: Running,
  name: string,
  intent: string,
): Agent {
  const agent = startAgent({
    workspace,
    through: [process.execPath, SIGNALBOX, 'run', '--agent', name, '--intent', intent, '--'],
    env: { SIGNALBOX_HOME: home },
  });
  started.add(() => agent.stop());
  return agent;
}
