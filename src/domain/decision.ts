import type { EffectClass, Reversibility } from './effect.ts';
import { isHigher, type Mode } from './mode.ts';

/** One check's ceiling with its reason. `reason` may quote a short argument value, so it is payload; `fix` says what would pass. */
export interface Verdict {
  readonly check: string;
  readonly ceiling: Mode;
  readonly code: string;
  readonly reason: string;
  readonly fix?: string;
  /** The ceiling it would have given: this agent is observed, and the check holds nothing down. */
  readonly would?: Mode;
}

/** What `auto` may be said of: reads, and effects whose undo was exercised and whose repeat is harmless. */
export type AutoEligible =
  | { readonly class: 'read'; readonly reversibility: Reversibility; readonly idempotent: boolean }
  | {
      readonly class: Exclude<EffectClass, 'read'>;
      readonly reversibility: 'exercised';
      readonly idempotent: true;
    };

export interface Nature {
  readonly class: EffectClass;
  readonly reversibility: Reversibility;
  readonly idempotent: boolean;
}

/** The lowest ceiling, with every verdict kept. An irreversible `auto` cannot be written in this type. */
export type Decision = { readonly verdicts: readonly Verdict[] } & (
  | { readonly mode: 'auto'; readonly nature: AutoEligible }
  | { readonly mode: Exclude<Mode, 'auto'>; readonly nature: Nature }
);

export function isAutoEligible(nature: Nature): nature is AutoEligible {
  return nature.class === 'read' || (nature.reversibility === 'exercised' && nature.idempotent);
}

/** The only maker of a Decision: clamps what the type must not hold. */
export function decide(nature: Nature, ceiling: Mode, verdicts: readonly Verdict[]): Decision {
  if (ceiling === 'auto')
    return isAutoEligible(nature)
      ? { mode: 'auto', nature, verdicts }
      : { mode: 'approve', nature, verdicts };
  return { mode: ceiling, nature, verdicts };
}

/** The verdicts that hold the decision down: those at its mode. */
export function decisive(decision: Decision): readonly Verdict[] {
  return decision.verdicts.filter((verdict) => !isHigher(verdict.ceiling, decision.mode));
}
