import type { RunCost } from '../../domain/spend.ts';

/** What can be spent, each looked at by itself. */
export const MEASURES = ['moneyMicros', 'tokens'] as const;
export type Measure = (typeof MEASURES)[number];
export type Amounts = { readonly [M in Measure]: number };

export const NOTHING: Amounts = { moneyMicros: 0, tokens: 0 };
/** Less than this is worth no word, however many times the usual it is: a benign run may read one long document. */
export const WORTH: Amounts = { moneyMicros: 150_000, tokens: 50_000 };
/** Fewer runs than this have no median. */
export const FEWEST = 8;

/** The medians of run trees of one agent that ended and were never halted. */
export interface Norm extends Amounts {
  readonly runs: number;
  readonly calls: number;
  readonly perMinute: Amounts;
}

/** `priceOf`: millionths of the currency that one call of a tool is declared to cost. Null: too few runs. */
export function normOf(costs: readonly RunCost[], priceOf: (tool: string) => number): Norm | null {
  if (costs.length < FEWEST) return null;
  const all = costs.map((cost) => ({ ...totalOf(cost, priceOf), ...minutesOf(cost) }));
  const median = (of: (one: (typeof all)[number]) => number): number => {
    const sorted = all.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return {
    runs: all.length,
    calls: median(({ actions }) => actions),
    moneyMicros: median(({ moneyMicros }) => moneyMicros),
    tokens: median(({ tokens }) => tokens),
    perMinute: {
      moneyMicros: median(({ moneyMicros, minutes }) => moneyMicros / minutes),
      tokens: median(({ tokens, minutes }) => tokens / minutes),
    },
  };
}

export function totalOf(cost: RunCost, priceOf: (tool: string) => number): Amounts {
  const ofTools = Object.entries(cost.calls).reduce(
    (sum, [tool, count]) => sum + count * priceOf(tool),
    0,
  );
  return { moneyMicros: cost.moneyMicros + ofTools, tokens: cost.tokens };
}

function minutesOf({ ms, actions }: RunCost): { minutes: number; actions: number } {
  return { minutes: Math.max(1, ms / 60_000), actions };
}

/** What a run tree has spent, and what is usual. */
export interface Purse {
  readonly spent: Amounts;
  readonly norm: Norm | null;
}

export const NO_PURSE: Purse = { spent: NOTHING, norm: null };

/** `0.42 of money`, `12000 tokens`. */
export function amountText(measure: Measure, amount: number): string {
  return measure === 'tokens'
    ? `${Math.round(amount)} tokens`
    : `${Number((amount / 1_000_000).toPrecision(3))} of money`;
}
