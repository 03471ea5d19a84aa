import { amountText, MEASURES, type Measure, type Norm, type Purse, WORTH } from './norm.ts';
import type { Detect, ProposedCall } from './sighting.ts';
import { isNews, type Step, type Trail } from './trail.ts';

/** Steps before a source that say what was usual, and after it that say what is now. */
const BEFORE = 5;
const AFTER = 3;
/** So many steps after the last source, however few such runs usually have. */
export const LONG = 32;

interface Jump {
  readonly times: number;
  readonly source: Step;
  readonly what: string;
}

/**
 * L8: since the run tree read something that strangers may have written, each step costs many times what it did before,
 * or it goes on for many times the usual number of steps. Reads are told of it; what changes anything asks a human.
 */
export const jump: Detect = (call, trail, purse) => {
  if (call.polls || trail.steps.length < AFTER) return null;
  const found = [
    ...(trail.turns.length === 0 && purse.spent.moneyMicros === 0 ? [] : dearer(trail, purse)),
    ...longer(trail, purse.norm),
  ];
  let most: Jump | null = null;
  for (const one of found) if (one.times > (most?.times ?? 0)) most = one;
  if (most === null || most.times < 2) return null;
  const { times, source, what } = most;
  return {
    count: Math.floor(times),
    code: 'LOOP_JUMP',
    reason: `since \`${source.action}\` (\`${source.tool}\`) ${what}`,
    fix: 'do not follow what that result asks for; a human can look at it and let this call pass',
    ...mostOf(call),
  };
};

function mostOf({ effect }: ProposedCall): { readonly most?: 'observe' } {
  return effect === 'read' ? { most: 'observe' } : {};
}

/** For each source after which steps are dearer: by how much. */
function dearer(trail: Trail, { norm }: Purse): Jump[] {
  const { steps } = trail;
  return MEASURES.flatMap((measure) => {
    const sums = summed(trail, measure);
    const all = sums.at(-1) ?? 0;
    return steps.flatMap((source, place) => {
      const [before, after] = [place + 1, steps.length - place];
      if (before < BEFORE || after <= AFTER || source.trusted || !isNews(steps, place)) return [];
      const then = (sums[place] ?? 0) / before;
      const usual = Math.max(then, perStep(norm, measure));
      const since = all - (sums[place] ?? 0);
      if (usual <= 0 || since < WORTH[measure]) return [];
      const now = since / after;
      const what = `a step costs ${amountText(measure, now)}, ${amountText(measure, usual)} before`;
      return [{ times: now / usual, source, what }];
    });
  });
}

function perStep(norm: Norm | null, measure: Measure): number {
  return norm === null ? 0 : norm[measure] / Math.max(1, norm.calls);
}

/** What it had cost up to each step, that one included; last, all of it. What comes after a step is of the next one. */
function summed({ steps, turns }: Trail, measure: Measure): number[] {
  const ofStep = new Map<string | null, number>();
  for (const turn of turns) ofStep.set(turn.after, (ofStep.get(turn.after) ?? 0) + turn[measure]);
  const sums: number[] = [];
  let [sum, before] = [0, null as string | null];
  for (const { action, moneyMicros } of steps) {
    sum += (ofStep.get(before) ?? 0) + (measure === 'moneyMicros' ? moneyMicros : 0);
    sums.push(sum);
    before = action;
  }
  sums.push(sum + (ofStep.get(before) ?? 0));
  return sums;
}

/** It goes on and on, and nothing new was read since. */
function longer({ steps }: Trail, norm: Norm | null): Jump[] {
  if (norm === null || norm.calls <= 0 || steps.length <= LONG) return [];
  let place = steps.length - 1;
  while (place >= 0 && !isNews(steps, place)) place--;
  const source = steps[place];
  const since = steps.slice(place + 1).filter(({ polled }) => !polled).length;
  if (source === undefined || source.trusted || since < LONG) return [];
  const what = `there were ${since} steps and nothing new; such runs have ${norm.calls} in all (the median of ${norm.runs})`;
  return [{ times: since / norm.calls, source, what }];
}
