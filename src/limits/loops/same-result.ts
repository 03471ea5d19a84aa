import { type Detect, isSame, lately } from './sighting.ts';
import type { Print } from './trail.ts';

/**
 * L1: the same call gave the same result, wherever in the run tree. A change that succeeded since then may have moved
 * what it tells, so it may be asked once more.
 */
export const sameResult: Detect = (call, trail) => {
  if (call.polls) return null;
  let count = 0;
  let last: Print | null = null;
  let changed = false;
  for (const step of lately(trail, call.at)) {
    if (!isSame(step, call)) {
      if (last === null && step.as === 'done' && step.effect === 'change') changed = true;
      continue;
    }
    if (step.as === 'held') count++;
    if (step.as !== 'done' || step.polled) continue;
    last ??= step.print;
    if (step.print?.exact === last?.exact) count++;
  }
  if (last === null) return null;
  return {
    count,
    code: 'LOOP_SAME_RESULT',
    reason: `\`${call.tool}\` was called ${count} times with these arguments in this run tree, and nothing new came of it`,
    fix: 'use the result you have, ask with other arguments, or change something first',
    waived: changed,
  };
};
