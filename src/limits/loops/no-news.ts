import { type Detect, lately } from './sighting.ts';
import type { Print, Step } from './trail.ts';

/** So many calls that only count up or down weigh as much as one that brings nothing new. */
const COUNTING = 8;

/**
 * L5: one read with ever other arguments, and what comes back differs in digits at most; or nothing but one number that
 * goes up or down. The first is a slow failure, the second a sweep that one call could ask for.
 */
export const noNews: Detect = (call, trail) => {
  if (call.effect !== 'read' || call.polls) return null;
  let stale = 0;
  let held = 0;
  let last: Print | null = null;
  let other = false;
  const alike: Step[] = [];
  for (const step of lately(trail, call.at)) {
    if (step.tool !== call.tool || step.shape !== call.shape) {
      if (last === null && held === 0 && step.as === 'done') other = true;
      continue;
    }
    if (step.as === 'held') held++;
    if (step.as !== 'done' || step.polled) continue;
    alike.push(step);
    last ??= step.print;
    if (step.print?.blind === last?.blind) stale++;
  }
  const counting = Math.floor(monotone([call, ...alike]) / COUNTING);
  const distinct = new Set(alike.map(({ argumentsDigest }) => argumentsDigest)).size;
  // the same arguments are the business of the other detectors
  const count = distinct * 2 < alike.length ? 0 : Math.max(stale, counting) + held;
  if (count === held) return null;
  return {
    count,
    code: 'LOOP_NO_NEWS',
    reason:
      stale >= counting
        ? `${stale} calls of \`${call.tool}\` with ever other arguments brought the same`
        : `\`${call.tool}\` is called with one number after another`,
    fix: 'do something else first, or use a call that asks for all of it at once',
    waived: other,
  };
};

/** How many calls in a row, newest first, have one number that strictly rises or falls. */
function monotone(calls: readonly { readonly numbers: readonly number[] }[]): number {
  let longest = 0;
  const width = calls[0]?.numbers.length ?? 0;
  for (let place = 0; place < width; place++)
    for (const sign of [1, -1]) {
      let length = 1;
      while (length < calls.length && isStep(calls, length, place, sign)) length++;
      longest = Math.max(longest, length);
    }
  return longest;
}

function isStep(
  calls: readonly { readonly numbers: readonly number[] }[],
  at: number,
  place: number,
  sign: number,
): boolean {
  const later = calls[at - 1]?.numbers[place] ?? Number.NaN;
  const earlier = calls[at]?.numbers[place] ?? Number.NaN;
  return (later - earlier) * sign > 0;
}
