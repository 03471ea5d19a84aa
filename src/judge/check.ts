import type { Verdict } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import type { Mode } from '../domain/mode.ts';

/** One check: pure, synchronous, total. Null: it has nothing against this action. */
export type Check = (facts: Facts) => Finding | null;

/** A ceiling with its reason. `reason` may quote a short argument value: it is kept in the sealed payload. */
export interface Finding {
  readonly ceiling: Mode;
  readonly code: string;
  readonly reason: string;
  readonly fix?: string;
}

export function verdictOf(check: string, finding: Finding | null): Verdict {
  return finding === null
    ? { check, ceiling: 'auto', code: 'OK', reason: 'nothing against it' }
    : { check, ...finding };
}
