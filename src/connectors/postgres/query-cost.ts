import type { QueryBounds } from './binding.ts';
import { isFields, list } from './fields.ts';

/** What the planner expects a query to take. */
export interface Expected {
  readonly cost: number;
  /** The most rows that any step goes through before the limit can stop it. */
  readonly rows: number;
}

/** Steps that take in everything below them before they give out their first row. */
const TAKES_ALL = new Set([
  'Aggregate',
  'BitmapAnd',
  'BitmapOr',
  'Bitmap Heap Scan',
  'CTE Scan',
  'Function Scan',
  'Group',
  'Hash',
  'Incremental Sort',
  'Materialize',
  'Memoize',
  'Recursive Union',
  'SetOp',
  'Sort',
  'Table Function Scan',
  'WindowAgg',
  'WorkTable Scan',
]);

/** Reads `EXPLAIN (FORMAT JSON)`. Null when it is nothing of the kind: then nothing is known, and nothing runs. */
export function expectedOf(explained: string | null | undefined): Expected | null {
  let plan: unknown;
  try {
    plan = JSON.parse(explained ?? '');
  } catch {
    return null;
  }
  const root = list(plan)[0];
  const top = isFields(root) && isFields(root.Plan) ? root.Plan : {};
  const cost = top['Total Cost'];
  const rows = rowsOf(top, false);
  return typeof cost === 'number' && rows !== null ? { cost, rows } : null;
}

/** Why it is too dear, in words; null when it is not. */
export function dearness(expected: Expected, { maxCost, maxRows }: QueryBounds): string | null {
  if (expected.rows > maxRows)
    return `a step of it is expected to go through ${expected.rows} rows, at most ${maxRows}`;
  if (expected.cost > maxCost)
    return `its cost is expected to be ${Math.ceil(expected.cost)}, at most ${maxCost}`;
  return null;
}

/** `stopped`: a limit above ends this step as soon as it has enough. */
function rowsOf(node: unknown, stopped: boolean): number | null {
  if (!isFields(node)) return null;
  const { 'Node Type': kind, 'Plan Rows': rows, Plans: below } = node;
  if (typeof kind !== 'string' || typeof rows !== 'number') return null;
  const takesAll = TAKES_ALL.has(kind);
  let most = stopped && !takesAll ? 0 : rows;
  for (const one of list(below)) {
    const under = rowsOf(one, kind === 'Limit' || (stopped && !takesAll));
    if (under === null) return null;
    most = Math.max(most, under);
  }
  return most;
}
