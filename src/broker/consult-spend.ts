import {
  CONSULT_CODES,
  type Consult,
  type ConsultAnswer,
  type ConsultLimits,
  type ModelConsult,
  type TokensUsed,
  unanswered,
} from '../domain/consult.ts';
import { type Facts, left } from '../domain/facts.ts';
import type { Run } from '../domain/run.ts';
import type { Spend } from '../domain/spend.ts';
import type { Broker } from './broker.ts';
import { rememberRefund, rememberSpend } from './loops.ts';
import { type Draw, drawsOn, moneyDraws } from './spend.ts';

/**
 * Asks one of them. A model is asked within its budget and the limits of money that the run's own calls draw on: the most
 * it can cost is drawn before, what it did not is given back after. What it cost is recorded with the run, whatever it
 * said; one that says no number cost the most. Decision points cost nothing.
 */
export async function ask(broker: Broker, consult: Consult, facts: Facts): Promise<ConsultAnswer> {
  const { consults } = broker;
  const closed = consults.closed(consult);
  if (closed !== null) return unanswered(consult, facts, closed);
  const { run } = facts;
  if (consult.kind !== 'model' || run === null) return consults.ask(consult, facts);
  const worst = consults.worst(consult, facts);
  const held = spendOf(broker, consult, worst);
  const draws = await drawsOf(broker, consult, run, held.moneyMicros ?? 0);
  if (draws.length > 0) {
    const at = broker.doors.clock.now();
    const taken = await broker.store.commit({
      kind: 'run.spend',
      ...{ runId: run.id, spend: held, draws: draws.map(({ draw }) => draw), ahead: true, at },
    });
    if (!taken.ok)
      return unanswered(consult, facts, why(taken.because, draws), CONSULT_CODES.budget);
    rememberSpend(broker, run.root, held, at);
  }
  const answer = await consults.ask(consult, facts);
  await settle(broker, run, { consult, held, draws, worst, used: answer.usage ?? null });
  return answer;
}

function spendOf(broker: Broker, consult: ModelConsult, used: TokensUsed): Spend {
  return {
    ...{ id: broker.doors.entropy.id('spend'), source: 'consult', by: consult.name },
    ...{ model: consult.model, ...used, moneyMicros: moneyOf(consult, used), said: null },
  };
}

/** Currency for a million tokens is millionths of it for one. */
function moneyOf({ price }: ModelConsult, { tokensIn, tokensOut }: TokensUsed): number | null {
  return price === undefined ? null : Math.ceil(tokensIn * price.in + tokensOut * price.out);
}

async function drawsOf(
  broker: Broker,
  consult: ModelConsult,
  run: Run,
  money: number,
): Promise<readonly Draw[]> {
  const day = new Date(broker.doors.clock.now()).toISOString().slice(0, 10);
  const { name, budget = {} } = consult;
  const lines = [
    ...linesOf(`consult:${name}:run:${run.root}`, budget.run),
    ...linesOf(`consult:${name}:day:${day}`, budget.day),
  ];
  const own = await drawsOn(broker, lines, (dimension) => (dimension === 'calls' ? 1 : money));
  return [...own, ...(money === 0 ? [] : await moneyDraws(broker, run, money))];
}

function linesOf(key: string, limits: ConsultLimits = {}) {
  return (['calls', 'moneyMicros'] as const).flatMap((dimension) => {
    const limit = limits[dimension];
    return limit === undefined ? [] : [{ key, dimension, limit }];
  });
}

/** What is left of each limit that it does not fit. */
function why(because: 'short' | 'run-over', draws: readonly Draw[]): string {
  if (because === 'run-over') return 'the run is over';
  const short = draws.filter(({ draw, fact }) => draw.amount > left(fact));
  return (short.length === 0 ? draws : short)
    .map(
      ({ draw, fact }) =>
        `${draw.dimension} of \`${draw.key}\`: may need ${draw.amount}, ${left(fact)} left of ${fact.limit}`,
    )
    .join('; ');
}

interface Asked {
  readonly consult: ModelConsult;
  readonly held: Spend;
  readonly draws: readonly Draw[];
  readonly worst: TokensUsed;
  readonly used: TokensUsed | null;
}

async function settle(broker: Broker, run: Run, asked: Asked): Promise<void> {
  const { consult, held, draws, worst, used } = asked;
  const at = broker.doors.clock.now();
  const isPlausible =
    used !== null && used.tokensIn <= worst.tokensIn && used.tokensOut <= worst.tokensOut;
  const spend: Spend = isPlausible
    ? { ...held, ...used, moneyMicros: moneyOf(consult, used) }
    : held;
  if (draws.length === 0) {
    const told = used === null ? { ...held, tokensIn: null, tokensOut: null } : spend;
    const of = { runId: run.id, spend: told, draws: [], ahead: false, at };
    const kept = await broker.store.commit({ kind: 'run.spend', ...of });
    if (kept.ok) rememberSpend(broker, run.root, told, at);
    return;
  }
  if (!isPlausible) return;
  const less = (held.moneyMicros ?? 0) - (spend.moneyMicros ?? 0);
  const back = draws.flatMap(({ draw: { key, dimension } }) =>
    dimension === 'moneyMicros' && less > 0 ? [{ key, dimension, amount: less }] : [],
  );
  await broker.store.commit({ kind: 'run.refund', runId: run.id, spend, held, back, at });
  rememberRefund(broker, run.root, spend);
}
