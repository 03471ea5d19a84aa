import { type LimitFact, left } from '../domain/facts.ts';
import type { Reservation } from '../domain/ops.ts';
import type { Run } from '../domain/run.ts';
import type { Spend } from '../domain/spend.ts';
import { type LimitLine, limitFacts, limitLines } from '../limits/blast-radius.ts';
import { saidOf } from '../limits/loops/turns.ts';
import type { Broker } from './broker.ts';
import { rememberSpend } from './loops.ts';

/** One model call of an agent, as its own side tells of it; null: not told. */
export interface ModelUsage {
  readonly runId: string;
  /** Who tells: `client`, or the name of a hook. */
  readonly by: string;
  readonly model: string | null;
  readonly tokensIn: number | null;
  readonly tokensOut: number | null;
  readonly moneyMicros: number | null;
  /** What the model said. Only whether it said the same before is kept. */
  readonly text: string | null;
}

/** `left`: money that the narrowest limit leaves; null: no limit is on money. `over`: a limit was used up by it. */
export interface Reported {
  readonly spend: string;
  readonly over: boolean;
  readonly left: number | null;
}

/**
 * Records what a model call cost, and draws it on the run's limits of money. It was spent already, so nothing is refused:
 * what goes beyond a limit uses it up. Null: the run is over.
 */
export async function reportUsage(broker: Broker, usage: ModelUsage): Promise<Reported | null> {
  const { doors, store } = broker;
  broker.freshness.require();
  const run = await store.run(usage.runId);
  if (run === null) return null;
  const { by, model, tokensIn, tokensOut, moneyMicros, text } = usage;
  const spend: Spend = {
    ...{ id: doors.entropy.id('spend'), source: 'reported', by },
    ...{ model, tokensIn, tokensOut, moneyMicros },
    said: text === null ? null : saidOf(text),
  };
  const draws = await moneyDraws(broker, run, moneyMicros ?? 0);
  const at = doors.clock.now();
  const recorded = await store.commit({
    kind: 'run.spend',
    ...{ runId: run.id, spend, draws: draws.map(({ draw }) => draw), ahead: false, at },
  });
  if (!recorded.ok) return null;
  rememberSpend(broker, run.root, spend, at);
  const room = draws.map(({ fact }) => Math.max(0, left(fact) - (moneyMicros ?? 0)));
  return {
    ...{ spend: spend.id, over: recorded.over },
    left: room.length === 0 ? null : Math.min(...room),
  };
}

/** What is drawn on one limit, and how that limit stood before. */
export interface Draw {
  readonly draw: Reservation;
  readonly fact: LimitFact;
}

/** What so much money draws on: every limit of money that the run's own calls draw on too. */
export async function moneyDraws(
  broker: Broker,
  run: Run,
  amount: number,
): Promise<readonly Draw[]> {
  const bundle = await broker.bundles.active();
  const { lines } = limitLines(bundle, run, broker.doors.clock.now());
  const ofMoney = lines.filter(({ dimension }) => dimension === 'moneyMicros');
  return drawsOn(broker, ofMoney, () => amount);
}

export async function drawsOn(
  { store }: Broker,
  lines: readonly LimitLine[],
  amountOf: (dimension: LimitLine['dimension']) => number,
): Promise<readonly Draw[]> {
  if (lines.length === 0) return [];
  const facts = limitFacts(lines, await store.usage(lines.map(({ key }) => key)));
  return facts.map((fact) => {
    const { key, dimension, limit } = fact;
    return { draw: { key, dimension, amount: amountOf(dimension), limit }, fact };
  });
}
