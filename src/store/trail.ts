import type { LedgerEvent } from '../domain/store.ts';

/** Records that tell what a run did or was told no for, and what it cost; of a sub-run's beginning, what it was for. */
export const TRAIL_TYPES = [
  ...['action.read', 'action.intent', 'action.outcome', 'action.denied'],
  ...['run.begun', 'run.spent', 'run.refunded'],
];

/** Runs of one tree that are looked at, the newest first. */
export const MOST_RUNS = 256;

/** By time, and within one run as they were made: between runs no other order is on record. */
export function trailOrder<E extends LedgerEvent>(events: readonly E[]): E[] {
  return events.toSorted(
    (a, b) => a.at - b.at || (a.chain === b.chain ? a.seq - b.seq : a.chain < b.chain ? -1 : 1),
  );
}
