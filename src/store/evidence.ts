import { type VerifyReport, wordsOf } from '../ledger/verify.ts';

/** `problems`: everything found, in words: the breaks, and where the tables say other than the records tell. */
export type Evidence = VerifyReport & {
  readonly rowsCompared: number;
  readonly problems: readonly string[];
};

export function evidenceOf(
  report: VerifyReport,
  rowsCompared: number,
  differences: readonly string[],
): Evidence {
  const problems = [...report.breaks.map(wordsOf), ...differences];
  return { ...report, ok: problems.length === 0, rowsCompared, problems };
}
