import { digestOf } from './digest.ts';

/** So often an action is taken back anew, after an undo that came to nothing. */
export const UNDO_ROUNDS = 16;

/** The run in which an action is taken back: the same for everybody who asks, so that nothing is taken back twice. */
export function undoRunId(actionId: string, round: number): string {
  return `run_${digestOf('undo', { actionId, round }).slice(0, 26)}`;
}

/** Taken by whoever asked for an undo: another one answers its asks. */
export function undoAskedBy(runId: string, operator: string): string {
  return `undo-asked:${runId}:${operator}`;
}

/**
 * What became of one action: `undone`; `asked`, it waits for an approval; `waits`, for that of a later action; `already`
 * undone before; `refused` by a check or because what it changed was changed since; `failed`; or nothing here `cannot`.
 */
export interface UndoStep {
  readonly action: string;
  readonly tool: string;
  readonly state: 'undone' | 'asked' | 'waits' | 'already' | 'refused' | 'failed' | 'cannot';
  readonly why: string | null;
  /** The run that takes it back, once there is one. */
  readonly run: string | null;
  readonly approval: string | null;
}

export interface UndoReport {
  readonly id: string;
  /** In the order in which they were taken back: the last action first. */
  readonly steps: readonly UndoStep[];
  /** Everything that it changed is taken back. */
  readonly whole: boolean;
}
