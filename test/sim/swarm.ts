import type { Random } from './random.ts';

/** How the world of one seed behaves: probabilities, and milliseconds at most. Each seed draws which faults it has at all. */
export interface Swarm {
  /** Things the actors do before the faults stop. */
  readonly steps: number;
  /** Simulated milliseconds between two of them, at most. */
  readonly pace: number;
  /** Two share one store, or one has its own. */
  readonly replicas: 1 | 2;
  readonly store: StoreFaults;
  readonly way: WayFaults;
  readonly target: TargetFaults;
  readonly issuer: IssuerFaults;
  /** At any event; more often while something is on its way to a target. */
  readonly crash: number;
  /** A halt aimed at an action that is open, at any event. */
  readonly ambush: number;
  /** At any event of two replicas: one loses its way to the store, or is stopped, for a while. */
  readonly cut: number;
  readonly pause: number;
  /** What the actors do, by weight. */
  readonly acts: Readonly<Record<ActKind, number>>;
  /** What agents do, besides asking for something new. */
  readonly repeat: number;
  readonly cancel: number;
  readonly looseLimits: boolean;
}

/** What goes wrong by itself, and stops for the second phase. */
export type Faults = Pick<
  Swarm,
  'store' | 'way' | 'target' | 'issuer' | 'crash' | 'ambush' | 'cut' | 'pause'
>;

export type ActKind =
  | 'propose'
  | 'answer'
  | 'halt'
  | 'haltHere'
  | 'resume'
  | 'apply'
  | 'endRun'
  | 'beginRun'
  | 'move'
  | 'jump'
  | 'erase'
  | 'clumsy';

export interface StoreFaults {
  readonly commitMs: number;
  readonly answerMs: number;
  /** 0: a read is answered at once, as SQLite does it. */
  readonly readMs: number;
  readonly failedCommit: number;
  readonly failedRead: number;
  /** Ops that may wait. */
  readonly room: number;
}

/** Between a replica and the store that it shares. */
export interface WayFaults {
  /** Each way, at most. */
  readonly ms: number;
  readonly lost: number;
  /** Notices: not told, and told twice. */
  readonly deaf: number;
  readonly twice: number;
}

export interface TargetFaults {
  readonly ms: number;
  readonly unreachable: number;
  /** A fault that the connector did not foresee. */
  readonly broken: number;
  readonly refuses: number;
  /** No answer until the deadline. */
  readonly hangs: number;
  /** Takes its time between the mark and the effect. */
  readonly dawdles: number;
  readonly lostBefore: number;
  readonly lostAfter: number;
  readonly notices: number;
  readonly questions: number;
  readonly wants: number;
  readonly probeUnknown: number;
  readonly probeDown: number;
}

export interface IssuerFaults {
  readonly ms: number;
  readonly mintFails: number;
  readonly mintLost: number;
  readonly revokeFails: number;
  readonly notDeadYet: number;
}

export function drawSwarm(random: Random): Swarm {
  /** Half of the seeds do not have a given fault. */
  const p = (most: number): number => (random.chance(0.5) ? random.next() * most : 0);
  const ms = (...choices: number[]): number => random.pick(choices);
  return {
    steps: random.int(40, 130),
    replicas: random.chance(0.5) ? 2 : 1,
    pace: ms(40, 200, 1_000, 4_000),
    store: {
      commitMs: ms(1, 5, 60),
      answerMs: ms(0, 3, 60),
      readMs: ms(0, 0, 4, 40),
      failedCommit: p(0.01),
      failedRead: p(0.01),
      room: ms(2, 4, 8, 10_000, 10_000, 10_000),
    },
    way: { ms: ms(1, 1, 20, 400), lost: p(0.02), deaf: p(0.8), twice: p(0.3) },
    target: {
      ms: ms(2, 30, 800),
      unreachable: p(0.1),
      broken: p(0.06),
      refuses: p(0.2),
      hangs: p(0.2),
      dawdles: p(0.3),
      lostBefore: p(0.3),
      lostAfter: p(0.3),
      notices: p(0.6),
      questions: p(0.2),
      wants: p(0.15),
      probeUnknown: p(0.4),
      probeDown: p(0.4),
    },
    issuer: {
      ms: ms(2, 20, 600),
      mintFails: p(0.1),
      mintLost: p(0.1),
      revokeFails: p(0.3),
      notDeadYet: p(0.3),
    },
    crash: random.chance(0.7) ? random.next() * 0.005 : 0,
    ambush: p(0.02),
    cut: p(0.004),
    pause: p(0.003),
    acts: {
      propose: 14,
      answer: 7,
      halt: p(2),
      haltHere: p(0.6),
      resume: 1.5,
      apply: p(1.5),
      endRun: p(1),
      beginRun: 1.5,
      move: p(6),
      jump: p(0.6),
      erase: p(0.2),
      clumsy: p(0.8),
    },
    repeat: 0.2 + random.next() * 0.5,
    cancel: p(0.2),
    looseLimits: random.chance(0.5),
  };
}

/** After the faults: everything works and answers soon. */
export const CALM: Faults = {
  store: { commitMs: 2, answerMs: 1, readMs: 0, failedCommit: 0, failedRead: 0, room: 10_000 },
  way: { ms: 1, lost: 0, deaf: 0, twice: 0 },
  target: {
    ...{
      ms: 5,
      unreachable: 0,
      broken: 0,
      refuses: 0,
      hangs: 0,
      dawdles: 0,
      lostBefore: 0,
      lostAfter: 0,
    },
    ...{ notices: 0, questions: 0, wants: 0, probeUnknown: 0, probeDown: 0 },
  },
  issuer: { ms: 5, mintFails: 0, mintLost: 0, revokeFails: 0, notDeadYet: 0 },
  crash: 0,
  ambush: 0,
  cut: 0,
  pause: 0,
};
