import { saysTheSame } from './print.ts';
import { type Detect, lately, type ProposedCall, WINDOW_MS } from './sighting.ts';
import type { Print, Step, Trail } from './trail.ts';

/** So many calls that only count up or down weigh as much as one that brings nothing new. */
const COUNTING = 8;

/**
 * L5: one read with ever other arguments, and what comes back differs in digits at most; or nothing but one number that
 * goes up or down. The first is a slow failure, the second a sweep that one call could ask for.
 */
export const noNews: Detect = (call, trail) => {
  if (call.effect !== 'read' || call.polls) return null;
  const { stale, held, waived } = counted(call, trail);
  const counting = Math.floor(monotone(call, trail) / COUNTING);
  const count = Math.max(stale, counting) + held;
  // the same arguments are the business of the other detectors
  if (count === held || count < COUNTING / 2 || isMostlySame(call, trail)) return null;
  return {
    count,
    code: 'LOOP_NO_NEWS',
    reason:
      stale >= counting
        ? `${stale} calls of \`${call.tool}\` with ever other arguments brought the same`
        : `\`${call.tool}\` is called with one number after another`,
    fix: 'do something else first, or use a call that asks for all of it at once',
    waived,
  };
};

function counted(
  call: ProposedCall,
  { steps }: Trail,
): { stale: number; held: number; waived: boolean } {
  let [stale, held, waived] = [0, 0, false];
  let last: Print | null = null;
  for (let index = steps.length - 1; index >= 0; index--) {
    const step = steps[index] as Step;
    if (call.at - step.at > WINDOW_MS) break;
    if (!isAlike(step, call)) {
      if (last === null && held === 0 && step.as === 'done') waived = true;
      continue;
    }
    if (step.as === 'held') held++;
    if (step.as !== 'done' || step.polled) continue;
    last ??= step.print;
    if (step.print === null || last === null || !saysTheSame(step.print, last)) break; // that one was news
    stale++;
  }
  return { stale, held, waived };
}

function isAlike(step: Step, call: ProposedCall): boolean {
  return step.tool === call.tool && step.shape === call.shape;
}

/** How many of these calls in a row have one number that strictly rises or falls. */
function monotone(call: ProposedCall, { steps }: Trail): number {
  let longest = 0;
  for (let place = 0; place < call.numbers.length; place++) {
    let [length, sign, later] = [1, 0, call.numbers[place] ?? 0];
    for (let index = steps.length - 1; index >= 0; index--) {
      const step = steps[index] as Step;
      if (step.as !== 'done' || !isAlike(step, call)) continue;
      const earlier = step.numbers[place] ?? Number.NaN;
      const direction = Math.sign(later - earlier);
      if (direction === 0 || Number.isNaN(direction) || (sign !== 0 && direction !== sign)) break;
      [sign, later] = [direction, earlier];
      length++;
    }
    longest = Math.max(longest, length);
  }
  return longest;
}

function isMostlySame(call: ProposedCall, trail: Trail): boolean {
  const alike = lately(trail, call.at).filter((step) => step.as === 'done' && isAlike(step, call));
  return new Set(alike.map(({ argumentsDigest }) => argumentsDigest)).size * 2 < alike.length;
}
