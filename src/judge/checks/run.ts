import type { Check } from '../check.ts';

/** The run must be known, live and in time. */
export const run: Check = ({ run, now }) => {
  if (run === null)
    return { ceiling: 'deny', code: 'RUN_UNKNOWN', reason: 'no such run', fix: 'start a run' };
  if (run.state !== 'live' || now >= run.expiresAt)
    return {
      ceiling: 'deny',
      code: 'RUN_OVER',
      reason: 'this run is over',
      fix: 'start a new run',
    };
  return null;
};
