import { type Detect, isSame, lately } from './sighting.ts';

/** A fault that lasts longer is asked about anew. */
const FAULT_MS = 10 * 60_000;

/** L2: the same call failed again and again. After something else has succeeded it may be tried once more. */
export const failing: Detect = (call, trail) => {
  if (call.polls) return null;
  let count = 0;
  let failed = false;
  let elseSucceeded = false;
  for (const step of lately(trail, call.at, FAULT_MS)) {
    if (!isSame(step, call)) {
      if (count === 0 && step.as === 'done') elseSucceeded = true;
      continue;
    }
    if (step.polled) continue;
    if (step.as === 'done') break;
    if (step.as === 'failed' || step.as === 'held') count++;
    failed ||= step.as === 'failed';
  }
  if (!failed) return null;
  return {
    count,
    code: 'LOOP_FAILING',
    reason: `\`${call.tool}\` failed or was refused ${count} times in a row with these arguments`,
    fix: 'read the error, then change the arguments or what stands in the way; the same call will fail the same way',
    waived: elseSucceeded,
  };
};
