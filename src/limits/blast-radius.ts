import type { Bundle } from '../domain/bundle.ts';
import { DIMENSIONS, type Dimension, type EffectVector } from '../domain/effect.ts';
import type { LimitFact } from '../domain/facts.ts';
import type { Reservation } from '../domain/ops.ts';
import type { Run } from '../domain/run.ts';
import type { Usage } from '../domain/store.ts';

export interface LimitLine {
  readonly key: string;
  readonly dimension: Dimension;
  readonly limit: number;
}

/** Every limit an action of this run draws on. Sub-runs draw on their root; days are UTC. */
export function limitLines(bundle: Bundle, run: Run, now: number): LimitLine[] {
  const day = new Date(now).toISOString().slice(0, 10);
  const lines: LimitLine[] = [];
  for (const dimension of DIMENSIONS) {
    const perRun = least(bundle.limits.run?.[dimension], run.budget[dimension]);
    if (perRun !== undefined) lines.push({ key: `run:${run.root}`, dimension, limit: perRun });
    const perDay = bundle.limits.agentDay?.[dimension];
    if (perDay !== undefined)
      lines.push({ key: `agent:${run.agent}:${day}`, dimension, limit: perDay });
  }
  return lines;
}

/** Lines with what is already posted and pending; a line without a row has drawn nothing. */
export function limitFacts(lines: readonly LimitLine[], usage: readonly Usage[]): LimitFact[] {
  return lines.map((line) => {
    const row = usage.find(
      ({ key, dimension }) => key === line.key && dimension === line.dimension,
    );
    return { ...line, posted: row?.posted ?? 0, pending: row?.pending ?? 0 };
  });
}

/** What an action with this cap reserves on each line. */
export function reservations(limits: readonly LimitFact[], cap: EffectVector): Reservation[] {
  return limits
    .filter(({ dimension }) => cap[dimension] > 0)
    .map(({ key, dimension, limit }) => ({ key, dimension, limit, amount: cap[dimension] }));
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
