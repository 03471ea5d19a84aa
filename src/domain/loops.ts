/** What is looked for in the calls of a run tree, by its number in the guide. */
export const DETECTORS = [
  'sameResult',
  'failing',
  'repeat',
  'cycle',
  'noNews',
  'invalid',
  'refusedAsks',
  'velocity',
  'cost',
  'jump',
  'words',
] as const;
export type Detector = (typeof DETECTORS)[number];

/**
 * How far a detector has climbed: seen only → refused once, with what would pass → a human is asked → refused from now
 * on → the whole run tree is halted.
 */
export const STAGES = ['observe', 'steer', 'pause', 'block', 'stop'] as const;
export type Stage = (typeof STAGES)[number];

/** From how many on each stage begins; a stage that is not named is never reached. */
export type Thresholds = { readonly [S in Stage]?: number };

/** `observe`: every firing is recorded and nothing is held up. */
export interface LoopRule {
  readonly as: 'on' | 'observe';
  readonly at: Thresholds;
}

/** A detector that is not named is off. */
export type LoopRules = { readonly [D in Detector]?: LoopRule };

/** Measured on recorded good runs: `npm run eval -- loops`. */
export const USUAL_THRESHOLDS: { readonly [D in Detector]: Thresholds } = {
  sameResult: { steer: 3, pause: 5, stop: 8 },
  failing: { steer: 2, block: 3, stop: 8 },
  repeat: { pause: 2, block: 3 },
  cycle: { pause: 3, stop: 8 },
  noNews: { steer: 8, pause: 16 },
  invalid: { observe: 3, stop: 10 },
  refusedAsks: { block: 2, stop: 4 },
  velocity: { pause: 3 },
  cost: { observe: 5, pause: 8 },
  jump: { observe: 3, pause: 8 },
  words: { steer: 3, pause: 6 },
};

/** One detector that has something to say of a proposal. `reason` may quote the name of a tool, never an argument. */
export interface Firing {
  readonly detector: Detector;
  readonly stage: Stage;
  readonly code: string;
  readonly reason: string;
  readonly fix: string;
}

export const NO_FIRINGS: readonly Firing[] = [];

/** What the store counts of one call in its run tree, whoever in it made it and whenever. */
export interface Repeats {
  /** Intents of the same tool and arguments that were to be executed, whatever became of them but `refused`. */
  readonly attempts: number;
  /** Asks for the same tool and arguments that a human refused. */
  readonly refusedAsks: number;
  /** Asks for the same tool, whatever its arguments, that a human refused. */
  readonly refusedOfTool: number;
}

/** How many records the detectors look back over. */
export const LOOKED_BACK = 64;
