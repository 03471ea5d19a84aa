/** Where a kill can be aimed. Each aim brings one call to a moment that it can see, and kills there. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { RunHandle } from './agent.ts';
import { LedgerView } from './ledger-view.ts';
import { approved, call } from './perform.ts';
import { addMark, hitSlot, type Proposal, postMark } from './proposals.ts';
import type { World } from './world.ts';

export interface Shot {
  readonly world: World;
  readonly run: RunHandle;
  /** Once; later ones do nothing. */
  kill(): void;
  /** The agent repeats this call: once what is held is let go, or as soon as Signalbox is back. */
  follow(proposal: Proposal, atOnce?: boolean): void;
  /** Lets go what is held at the target: once Signalbox is back, or while it is down. */
  afterwards(undo: () => Promise<void>): void;
  whileDown(undo: () => Promise<void>): void;
}

export interface Aim {
  readonly name: string;
  /** False: the kill falls into the start, before anybody can call. */
  readonly waitsForStart: boolean;
  /** False: the moment was not seen, and nobody was killed. */
  strike(shot: Shot): Promise<boolean>;
}

const PATIENCE_MS = 4_000;
const LONGEST_WAIT_MS = 120;
const LONGEST_START_MS = 150;

const anywhere: Aim = {
  name: 'anywhere',
  waitsForStart: true,
  async strike({ kill }) {
    await sleep(Math.random() * LONGEST_WAIT_MS);
    kill();
    return true;
  },
};

const duringStart: Aim = {
  name: 'during the start',
  waitsForStart: false,
  async strike({ kill }) {
    await sleep(Math.random() * LONGEST_START_MS);
    kill();
    return true;
  },
};

/** The intent is durable, the effect has not begun or is under way. */
const afterIntent: Aim = ledgerAim('after the intent', addMark, 'open');

/** The flight is measured and its trace durable: COMMIT is about to be sent, or was. */
const afterMark: Aim = ledgerAim('after the mark', hitSlot, 'marked');

/** The target has the call, and never answers. */
const arrived: Aim = {
  name: 'at the HTTP target',
  waitsForStart: true,
  strike: (shot) =>
    shoot(shot, postMark(), ({ marker }, strike) => shot.world.http.holdAnswer(marker, strike)),
};

/** The target has answered, and nobody has recorded it. */
const answered: Aim = {
  name: 'after the HTTP answer',
  waitsForStart: true,
  strike: (shot) =>
    shoot(shot, postMark(), ({ marker }, strike) => shot.world.http.afterAnswer(marker, strike)),
};

/** The row is there for everybody to see; the outcome may not be. */
const committed: Aim = {
  name: 'after COMMIT',
  waitsForStart: true,
  strike: (shot) =>
    shoot(shot, addMark(), ({ marker }, strike, given) => {
      void when(() => shot.world.postgres.seen(marker), strike, given);
    }),
};

/** COMMIT was sent, and takes effect when Signalbox is dead and not back yet. */
const commitLate: Aim = {
  name: 'while COMMIT is under way',
  waitsForStart: true,
  strike: (shot) =>
    shoot(shot, addMark(), ({ marker }, strike) => {
      const kept = shot.world.postgres.keepCommitOf(marker, strike);
      shot.whileDown(() => kept.release());
    }),
};

/** COMMIT is still under way when Signalbox is back, looks, and the agent repeats its call: nobody can see it yet. */
const commitRepeated: Aim = {
  name: 'while COMMIT is under way, repeated',
  waitsForStart: true,
  strike: (shot) =>
    commitLate.strike({
      ...shot,
      whileDown: shot.afterwards,
      follow: (proposal) => shot.follow(proposal, true),
    }),
};

/** The statement itself waits for a lock: nothing is measured, marked or committed. */
const blocked: Aim = {
  name: 'while the statement waits',
  waitsForStart: true,
  strike: (shot) =>
    shoot(shot, hitSlot(), async ({ args }, strike, given) => {
      const hold = await shot.world.postgres.holdSlot(Number(args.slot));
      shot.afterwards(() => hold.release());
      void when(() => shot.world.postgres.isWaiting(), strike, given);
    }),
};

/** In this order, again and again. The last of a campaign is always `commitRepeated`. */
export const AIMS: readonly Aim[] = [
  afterIntent,
  arrived,
  anywhere,
  committed,
  commitLate,
  duringStart,
  answered,
  afterMark,
  blocked,
  commitRepeated,
  anywhere,
];
export const LAST_AIM = commitRepeated;

type Arm = (proposal: Proposal, strike: () => void, given: () => boolean) => void | Promise<void>;

/** Gets the proposal approved, arms, sends the call that executes, and waits for the strike. */
async function shoot(shot: Shot, proposal: Proposal, arm: Arm): Promise<boolean> {
  if (!(await approved(shot.world, shot.run, proposal))) return false;
  shot.follow(proposal);
  const struck = Promise.withResolvers<boolean>();
  let over = false;
  await arm(
    proposal,
    () => {
      shot.kill();
      struck.resolve(true);
    },
    () => over,
  );
  void call(shot.world, shot.run, proposal).catch(() => {});
  const hit = await Promise.race([struck.promise, sleep(PATIENCE_MS, false, { ref: false })]);
  over = true;
  return hit;
}

function ledgerAim(name: string, make: () => Proposal, least: 'open' | 'marked'): Aim {
  return {
    name,
    waitsForStart: true,
    strike: (shot) =>
      shoot(shot, make(), ({ tool, args }, strike, given) => {
        const view = new LedgerView(shot.world.directory);
        const reached = async (): Promise<boolean> => {
          const progress = view.progress(tool, args);
          return progress !== null && (least === 'open' || progress !== 'open');
        };
        void when(reached, strike, given).finally(() => view.close());
      }),
  };
}

/** Looks as often as it can, and strikes in the same turn in which it sees. */
async function when(
  seen: () => Promise<boolean>,
  strike: () => void,
  given: () => boolean,
): Promise<void> {
  while (!given()) {
    if (await seen()) return strike();
    await turn();
  }
}
