import { amountText, MEASURES, type Measure, type Purse, WORTH } from './norm.ts';
import type { Detect, ProposedCall } from './sighting.ts';
import { isNews, type Trail } from './trail.ts';

const MINUTE_MS = 60_000;
/** So many times the usual speed. */
const TIMES = 8;
/** So many model calls in a row that only make the context longer weigh as much as one fast minute. */
const GROWING = 4;

/**
 * L6: minutes in a row in which the tree spends far faster than such runs do; or model calls in a row, each with a longer
 * context than the one before, while nothing new was read.
 */
export const velocity: Detect = (call, trail, purse) => {
  if (call.polls || trail.turns.length + purse.spent.moneyMicros === 0) return null;
  const fast = fastest(call, trail, purse);
  const grown = Math.floor(growing(trail) / GROWING);
  const count = Math.max(fast?.minutes ?? 0, grown);
  if (count === 0) return null;
  const isFast = fast !== null && fast.minutes >= grown;
  return {
    count,
    code: 'LOOP_SPEND',
    reason: isFast
      ? `for ${fast.minutes} minutes this run tree spent more than ${TIMES} times the usual ${amountText(fast.measure, fast.usual)} a minute (the median of ${purse.norm?.runs} runs)`
      : `the last ${growing(trail)} model calls of this run tree each had a longer context, and nothing new was read`,
    fix: 'stop and say what was found; a human can let this call pass',
  };
};

interface Fast {
  readonly minutes: number;
  readonly measure: Measure;
  readonly usual: number;
}

function fastest(call: ProposedCall, trail: Trail, { norm }: Purse): Fast | null {
  if (norm === null) return null;
  let best: Fast | null = null;
  for (const measure of MEASURES) {
    const usual = norm.perMinute[measure];
    if (usual <= 0) continue;
    const sums = perMinute(call.at, trail, measure);
    const most = Math.max(TIMES * usual, WORTH[measure]);
    const slow = sums.findIndex((sum) => sum <= most);
    const minutes = slow === -1 ? sums.length : slow;
    if (minutes > (best?.minutes ?? 0)) best = { minutes, measure, usual };
  }
  return best;
}

/** By minutes back from now, as far as the trail goes. */
function perMinute(at: number, { steps, turns }: Trail, measure: Measure): number[] {
  const sums: number[] = [];
  const add = (when: number, amount: number): void => {
    const minute = Math.max(0, Math.floor((at - when) / MINUTE_MS));
    if (minute >= 64) return;
    while (sums.length <= minute) sums.push(0);
    sums[minute] = (sums[minute] ?? 0) + amount;
  };
  for (const turn of turns) add(turn.at, turn[measure]);
  if (measure === 'moneyMicros') for (const step of steps) add(step.at, step.moneyMicros);
  return sums;
}

/** Model calls since the last news, newest first, each with a shorter context than the one after it; 0 unless it doubled. */
function growing(trail: Trail): number {
  const turns = sinceNews(trail).filter(({ context }) => context !== null);
  let count = 0;
  let later = Number.POSITIVE_INFINITY;
  for (const { context } of turns) {
    if (context === null || context >= later) break;
    later = context;
    count++;
  }
  const newest = turns[0]?.context ?? 0;
  return newest >= 2 * later ? count : 0;
}

/** What was said and spent since something new was read, newest first. */
export function sinceNews({ steps, turns }: Trail): Trail['turns'] {
  const since = new Set<string | null>();
  let place = steps.length - 1;
  for (; place >= 0; place--) {
    since.add(steps[place]?.action ?? null);
    if (isNews(steps, place)) break;
  }
  if (place < 0) since.add(null);
  const found: Trail['turns'][number][] = [];
  for (let index = turns.length - 1; index >= 0; index--) {
    const turn = turns[index];
    if (turn === undefined || !since.has(turn.after)) break;
    found.push(turn);
  }
  return found;
}
