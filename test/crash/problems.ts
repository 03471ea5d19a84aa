import type { Report } from './campaign.ts';
import { MUST_BE_ZERO } from './figures.ts';
import { READS, WRITES } from './proposals.ts';

/** What of the claims does not hold, in words; empty when all do. A campaign that did nothing proves nothing. */
export function problemsOf(report: Report): string[] {
  const problems: string[] = MUST_BE_ZERO.filter((name) => report[name] > 0).map(
    (name) => `${name} is ${report[name]}, expected 0`,
  );
  if (report.killsBetweenIntentAndOutcome * 4 < report.kills)
    problems.push(
      `${report.killsBetweenIntentAndOutcome} of ${report.kills} kills fell between intent and outcome, expected a quarter`,
    );
  for (const tool of [...READS, ...WRITES])
    if (!report.heard[`${tool} done`]) problems.push(`no \`${tool}\` was ever done`);
  if (report.openAtEnd > 0)
    problems.push(`${report.openAtEnd} intents were still open when nothing was under way`);
  return problems;
}
