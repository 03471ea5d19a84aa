import type { Reservation } from './ops.ts';

/**
 * What something cost a run besides the effects of its actions: `consult`, a model that was asked about one of them;
 * `reported`, a model call that the agent's side told of. A gateway for models will be a third.
 */
export interface Spend {
  readonly id: string;
  readonly source: 'consult' | 'reported';
  /** Which consult, or who told of it. */
  readonly by: string;
  /** Null here and below: nobody knows, which is never nothing. */
  readonly model: string | null;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  /** Millionths of the organisation's currency. */
  readonly moneyMicros: number | null;
  /** Tells whether two texts of a model are the same, and nothing else; null: none was told of. */
  readonly said: string | null;
}

/**
 * What a run costs besides its actions. `ahead`: the most it can be, before it is spent; refused `short` unless all of it
 * fits every limit. Otherwise it is spent already: of each limit is drawn what fits all of them, and the rest is recorded.
 */
export interface RunSpend {
  readonly kind: 'run.spend';
  readonly runId: string;
  readonly spend: Spend;
  readonly draws: readonly Reservation[];
  readonly ahead: boolean;
  readonly at: number;
}

/** What was drawn ahead and not spent, given back. `spend`: what it came to. A spend that nobody refunds cost the most it could. */
export interface RunRefund {
  readonly kind: 'run.refund';
  readonly runId: string;
  readonly spend: Spend;
  /** What it was held to cost, before. */
  readonly held: Pick<Spend, 'tokensIn' | 'tokensOut' | 'moneyMicros'>;
  readonly back: readonly Pick<Reservation, 'key' | 'dimension' | 'amount'>[];
  readonly at: number;
}

/** What a run tree cost: money of spends, tokens, and how often each of its tools was executed. */
export interface RunCost {
  readonly moneyMicros: number;
  readonly tokens: number;
  readonly calls: { readonly [tool: string]: number };
  readonly actions: number;
  /** From its first to its last moment; of a live one until now. */
  readonly ms: number;
}

export const NO_COST: RunCost = { moneyMicros: 0, tokens: 0, calls: {}, actions: 0, ms: 0 };

/** Ended run trees of one agent that a class is made of, at most. */
export const CLASS_RUNS = 32;
