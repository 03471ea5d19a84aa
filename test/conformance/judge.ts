/** What a leg's findings come to: scored scenarios only, and an expected failure that passes is one too many. */
import type { Expected } from './expected.ts';
import type { Findings } from './suite.ts';

export interface LegResult {
  readonly leg: string;
  readonly passed: number;
  readonly failed: number;
  readonly expectedFailures: number;
  readonly failing: readonly { readonly scenario: string; readonly why: readonly string[] }[];
  /** Expected to fail, and did not. */
  readonly stale: readonly string[];
  readonly warnings: readonly string[];
  /** Why it could not be run at all. */
  readonly broken?: string;
}

export function judgeLeg(
  leg: string,
  names: readonly string[],
  findings: Findings,
  expected: readonly Expected[],
): LegResult {
  const allowed = new Set(expected.filter((one) => one.leg === leg).map((one) => one.scenario));
  const failing: { scenario: string; why: readonly string[] }[] = [];
  const warnings: string[] = [];
  let passed = 0;
  for (const scenario of names) {
    const found = findings.get(scenario);
    warnings.push(...(found?.warnings ?? []).map((text) => `${scenario}: ${text}`));
    if (found === undefined) failing.push({ scenario, why: ['it left no result'] });
    else if (found.failures.length > 0) failing.push({ scenario, why: found.failures });
    else passed++;
  }
  const unexpected = failing.filter(({ scenario }) => !allowed.has(scenario));
  return {
    leg,
    passed,
    failed: unexpected.length,
    expectedFailures: failing.length - unexpected.length,
    failing: unexpected,
    stale: [...allowed].filter((name) => !failing.some(({ scenario }) => scenario === name)),
    warnings,
  };
}

/** A leg whose parts could not even be started: everything it scores counts as failed. */
export function brokenLeg(leg: string, names: readonly string[], why: string): LegResult {
  const failing = names.map((scenario) => ({ scenario, why: [why] }));
  const empty = { passed: 0, expectedFailures: 0, stale: [], warnings: [] };
  return { leg, failed: names.length, failing, broken: why, ...empty };
}
