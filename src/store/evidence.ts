import { type VerifyReport, wordsOf } from '../ledger/verify.ts';
import type { TreeReport } from '../ledger/verify-tree.ts';

/** `problems`: everything found, in words: the breaks, and where the tables say other than the records tell. */
export type Evidence = VerifyReport & {
  /** Records in the signed tree, and records that wait for it. */
  readonly sealed: number;
  readonly unsealed: number;
  readonly rowsCompared: number;
  readonly problems: readonly string[];
};

export function evidenceOf(
  report: VerifyReport,
  tree: TreeReport,
  rowsCompared: number,
  differences: readonly string[],
): Evidence {
  const breaks = [...report.breaks, ...tree.breaks];
  const problems = [...breaks.map(wordsOf), ...differences];
  const { sealed, unsealed } = tree;
  const ok = problems.length === 0;
  return { ...report, ok, breaks, sealed, unsealed, rowsCompared, problems };
}
