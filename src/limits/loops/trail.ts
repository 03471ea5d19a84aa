import { LOOKED_BACK } from '../../domain/loops.ts';

/** What became of one call, as far as the detectors look at it. */
export interface Step {
  readonly action: string;
  readonly tool: string;
  readonly argumentsDigest: string;
  /** Names and types of its arguments; of an array or object no more than that it is one. */
  readonly shape: string;
  /** Its arguments that are numbers, in the order of their names. */
  readonly numbers: readonly number[];
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
}

export const EMPTY_TRAIL: Trail = { steps: [] };

/** A call counts once, however often it is told. */
export function stepped({ steps }: Trail, step: Step): Trail {
  if (steps.some(({ action }) => action === step.action)) return { steps };
  return { steps: [...steps.slice(1 - LOOKED_BACK), step] };
}
