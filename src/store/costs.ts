import type { RunCost } from '../domain/spend.ts';

/** Records that tell what was executed, and what else it cost. */
export const COST_TYPES = ['run.spent', 'run.refunded', 'action.read', 'action.intent'];

/** Records of one run tree that are alike: of one tool, or spends (`tool` null). */
export interface CostRow {
  readonly root: string;
  readonly tool: string | null;
  readonly n: number;
  readonly money: number;
  readonly tokens: number;
}

export interface TreeRow {
  readonly root: string;
  readonly actions: number;
  readonly ms: number;
}

export function costsIn(trees: readonly TreeRow[], rows: readonly CostRow[]): RunCost[] {
  return trees.map(({ root, actions, ms }) => {
    const own = rows.filter((row) => row.root === root);
    const spends = own.filter(({ tool }) => tool === null);
    return {
      moneyMicros: spends.reduce((sum, { money }) => sum + money, 0),
      tokens: spends.reduce((sum, { tokens }) => sum + tokens, 0),
      calls: Object.fromEntries(
        own.flatMap(({ tool, n }) => (tool === null ? [] : [[tool, n] as const])),
      ),
      ...{ actions, ms },
    };
  });
}
