import { amountText, MEASURES, type Measure, WORTH } from './norm.ts';
import type { Detect } from './sighting.ts';

/** L7: the run tree has cost many times what runs of this agent usually do. Counted in times. */
export const cost: Detect = (call, _trail, { spent, norm }) => {
  if (call.polls || norm === null) return null;
  let most: { readonly measure: Measure; readonly times: number } | null = null;
  for (const measure of MEASURES) {
    if (norm[measure] <= 0 || spent[measure] < WORTH[measure]) continue;
    const times = spent[measure] / norm[measure];
    if (times > (most?.times ?? 0)) most = { measure, times };
  }
  if (most === null || most.times < 2) return null;
  const { measure, times } = most;
  return {
    count: Math.floor(times),
    code: 'LOOP_COST',
    reason: `this run tree has cost ${amountText(measure, spent[measure])}, ${times.toFixed(1)} times the usual ${amountText(measure, norm[measure])} (the median of ${norm.runs} runs)`,
    fix: 'finish with what you have and end the run; a human can let this call pass',
  };
};
