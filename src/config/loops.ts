import type { Bundle } from '../domain/bundle.ts';
import type { Json } from '../domain/json.ts';
import {
  DETECTORS,
  type Detector,
  type LoopRule,
  type LoopRules,
  STAGES,
  type Thresholds,
  USUAL_THRESHOLDS,
} from '../domain/loops.ts';
import { members } from './meaning.ts';

/** Null: nothing is looked for. Numbers that are named replace those of the detector, all of them. */
export function loopRulesOf(value: Json | undefined): LoopRules | null {
  if (value === 'off') return null;
  const named = members(value);
  const rules: [Detector, LoopRule][] = [];
  for (const detector of DETECTORS) {
    const { as = 'on', ...at } = members(named[detector]);
    if (as === 'off') continue;
    const numbers = Object.keys(at).length > 0 ? (at as Thresholds) : USUAL_THRESHOLDS[detector];
    rules.push([detector, { as: as === 'observe' ? 'observe' : 'on', at: numbers }]);
  }
  return Object.fromEntries(rules);
}

export function pollingMsOf(value: Json | undefined): { readonly pollingMs?: number } {
  const { everySeconds } = members(value);
  return typeof everySeconds === 'number' ? { pollingMs: everySeconds * 1_000 } : {};
}

/** How the loop rules let more pass than before. */
export function loopsWiden(before: Bundle, after: Bundle): string[] {
  return DETECTORS.flatMap((detector) =>
    letsMore(detector, before.loops?.[detector], after.loops?.[detector]),
  );
}

function letsMore(name: Detector, was: LoopRule | undefined, is: LoopRule | undefined): string[] {
  if (was === undefined) return [];
  if (is === undefined) return [`loops are no longer looked for by \`${name}\``];
  if (was.as === 'on' && is.as === 'observe')
    return [`loops found by \`${name}\` are recorded and no longer held up`];
  const later = STAGES.filter(
    (stage) => was.at[stage] !== undefined && (is.at[stage] ?? NEVER) > was.at[stage],
  );
  if (later.length === 0) return [];
  return [
    `loops found by \`${name}\` get further: ${later
      .map((stage) => `\`${stage}\` at ${is.at[stage] ?? 'no number'}, ${was.at[stage]} before`)
      .join(', ')}`,
  ];
}

const NEVER = Number.POSITIVE_INFINITY;
