import {
  DETECTORS,
  type Detector,
  type Firing,
  type LoopRule,
  type LoopRules,
  NO_FIRINGS,
  STAGES,
  type Stage,
} from '../../domain/loops.ts';
import { cost } from './cost.ts';
import { cycle } from './cycle.ts';
import { failing } from './failing.ts';
import { invalid } from './invalid.ts';
import { jump, LONG } from './jump.ts';
import { noNews } from './no-news.ts';
import type { Purse } from './norm.ts';
import { refusedAsks } from './refused-asks.ts';
import { repeat } from './repeat.ts';
import { sameResult } from './same-result.ts';
import { type Detect, isMet, type ProposedCall, type Sighting } from './sighting.ts';
import type { Trail } from './trail.ts';
import { velocity } from './velocity.ts';
import { words } from './words.ts';

const ALL: { readonly [D in Detector]: Detect } = {
  sameResult,
  failing,
  repeat,
  cycle,
  noNews,
  invalid,
  refusedAsks,
  velocity,
  cost,
  jump,
  words,
};

/** Everything that has something to say of this call. Pure: the same transcript fires the same. */
export function firingsOf(
  rules: LoopRules,
  call: ProposedCall,
  trail: Trail,
  purse: Purse,
): readonly Firing[] {
  let firings: Firing[] | null = null;
  const about = {
    met: isMet(call, trail),
    spends: trail.turns.length > 0 || purse.spent.moneyMicros > 0,
    long: trail.steps.length > LONG,
  };
  for (const detector of DETECTORS) {
    const rule = rules[detector];
    if (rule === undefined || !mayFire(detector, call, about)) continue;
    const seen = ALL[detector](call, trail, purse);
    const stage = seen === null ? null : stageOf(rule, seen);
    if (seen === null || stage === null) continue;
    firings ??= [];
    firings.push({ detector, stage, code: seen.code, reason: seen.reason, fix: seen.fix });
  }
  return firings ?? NO_FIRINGS;
}

interface About {
  /** The very call is in the trail. */
  readonly met: boolean;
  /** The tree cost something, or said something. */
  readonly spends: boolean;
  readonly long: boolean;
}

/** Whether a detector can have anything to say: most have not, of most calls. */
function mayFire(
  detector: Detector,
  { fits, repeats, effect }: ProposedCall,
  { met, spends, long }: About,
): boolean {
  switch (detector) {
    case 'sameResult':
    case 'failing':
    case 'cycle':
      return met;
    case 'noNews':
      return effect === 'read';
    case 'invalid':
      return !fits;
    case 'repeat':
    case 'refusedAsks':
      return repeats !== null;
    case 'velocity':
    case 'cost':
    case 'words':
      return spends;
    case 'jump':
      return spends || long;
  }
}

function stageOf({ as, at }: LoopRule, { count, most, waived }: Sighting): Stage | null {
  const reached = STAGES.findLast((stage) => count >= (at[stage] ?? Number.POSITIVE_INFINITY));
  if (reached === undefined) return null;
  if (reached === 'steer' && waived === true) return 'observe';
  const limit = as === 'observe' ? 'observe' : (most ?? reached);
  return STAGES.indexOf(reached) < STAGES.indexOf(limit) ? reached : limit;
}
