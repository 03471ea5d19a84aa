import type { Verdict } from '../domain/decision.ts';
import type { Facts } from '../domain/facts.ts';
import type { Mode } from '../domain/mode.ts';

const MOST_CHECKS = 256;

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
  return finding === null ? passed(check) : { check, ...finding };
}

/** Almost every verdict: made once for each check, and frozen. */
const PASSED = new Map<string, Verdict>();

function passed(check: string): Verdict {
  const known = PASSED.get(check);
  if (known !== undefined) return known;
  const verdict = Object.freeze({
    check,
    ceiling: 'auto' as const,
    code: 'OK',
    reason: 'nothing against it',
  });
  if (PASSED.size < MOST_CHECKS) PASSED.set(check, verdict);
  return verdict;
}
