import { LOOKED_BACK } from '../../domain/loops.ts';

export interface Sketch {
  /** Names and types of its arguments; of an array or object no more than that it is one. */
  readonly shape: string;
  /** Its arguments that are numbers, in the order of their names. */
  readonly numbers: readonly number[];
}

/** What became of one call, as far as the detectors look at it. */
export interface Step extends Sketch {
  readonly action: string;
  readonly tool: string;
  readonly argumentsDigest: string;
  /** Of that digest, to compare quickly. */
  readonly key: number;
  /**
   * `done` with a result that is none to complain of; `failed`; `held`: refused because of a loop; `invalid`: its
   * arguments did not fit.
   */
  readonly as: 'done' | 'failed' | 'held' | 'invalid';
  readonly effect: 'read' | 'change';
  /** Of its result: the same text has the same print; null unless `done`. */
  readonly print: Print | null;
  /** A poll that kept its declared interval: no repeat of anything. */
  readonly polled: boolean;
  readonly at: number;
}

export interface Print {
  readonly exact: string;
  /** The same for texts that differ in digits only, where they are short. */
  readonly blind: string;
}

/** The last calls of one run tree, oldest first. */
export interface Trail {
  readonly steps: readonly Step[];
  /** The key of each, beside it: most calls are told from all others by these alone. */
  readonly keys: readonly number[];
}

export const EMPTY_TRAIL: Trail = { steps: [], keys: [] };

export function stepped({ steps, keys }: Trail, step: Step): Trail {
  const from = Math.max(0, steps.length + 1 - LOOKED_BACK);
  const [more, moreKeys] = [steps.slice(from), keys.slice(from)];
  more.push(step);
  moreKeys.push(step.key);
  return { steps: more, keys: moreKeys };
}
