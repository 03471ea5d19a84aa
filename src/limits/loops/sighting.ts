import type { Repeats, Stage } from '../../domain/loops.ts';
import type { Purse } from './norm.ts';
import type { Step, Trail } from './trail.ts';

/** The call that is judged, as far as the detectors look at it. */
export interface ProposedCall {
  readonly tool: string;
  readonly argumentsDigest: string;
  readonly key: number;
  readonly shape: string;
  readonly effect: 'read' | 'change';
  /** A repeat of it does harm: it destroys, or is not idempotent. */
  readonly repeatHarms: boolean;
  readonly fits: boolean;
  readonly numbers: readonly number[];
  /** It keeps the interval that its tool declares for polling. */
  readonly polls: boolean;
  /** Null for a read: nothing is counted of it in the store. */
  readonly repeats: Repeats | null;
  readonly at: number;
}

/**
 * What one detector sees. `most`: it climbs no higher now, however many there are. `waived`: something happened since
 * that may have changed it, so it is not steered away from.
 */
export interface Sighting {
  readonly count: number;
  readonly code: string;
  readonly reason: string;
  readonly fix: string;
  readonly most?: Stage;
  readonly waived?: boolean;
}

/** Pure: the same calls in the same order are seen the same. */
export type Detect = (call: ProposedCall, trail: Trail, purse: Purse) => Sighting | null;

/** Calls longer ago than this belong to other work. */
export const WINDOW_MS = 30 * 60_000;

/** The steps within `span` before the call, newest first. */
export function lately({ steps }: Trail, at: number, span = WINDOW_MS): readonly Step[] {
  const found: Step[] = [];
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index] as Step;
    if (at - step.at > span) break;
    found.push(step);
  }
  return found;
}

export function isSame(step: Step, call: ProposedCall): boolean {
  return (
    step.key === call.key &&
    step.argumentsDigest === call.argumentsDigest &&
    step.tool === call.tool
  );
}

/** Whether the very call is in the trail: most are not, and need no closer look. */
export function isMet(call: ProposedCall, { steps, keys }: Trail): boolean {
  for (let at = keys.indexOf(call.key); at !== -1; at = keys.indexOf(call.key, at + 1))
    if (isSame(steps[at] as Step, call)) return true;
  return false;
}
