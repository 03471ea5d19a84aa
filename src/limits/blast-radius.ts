import type { Bundle } from '../domain/bundle.ts';
import { DIMENSIONS, type Dimension, type EffectVector } from '../domain/effect.ts';
import type { LimitFact } from '../domain/facts.ts';
import type { Reservation } from '../domain/ops.ts';
import { actorsOf, type Run } from '../domain/run.ts';
import type { Usage } from '../domain/store.ts';

export interface LimitLine {
  readonly key: string;
  readonly dimension: Dimension;
  readonly limit: number;
}

/** The lines of one run under one bundle on one day, and the distinct keys among them. */
export interface LimitLines {
  readonly lines: readonly LimitLine[];
  readonly keys: readonly string[];
}

const DAY_MS = 86_400_000;
const NO_LINES: LimitLines = { lines: [], keys: [] };

interface Known extends LimitLines {
  readonly bundle: Bundle;
  readonly day: number;
}

/** What was found last for a run: most calls ask for the same again. */
const known = new WeakMap<Run, Known>();

/** Every limit an action of this run draws on: its own, those of every run above it and of their agents, and everybody's. Days are UTC. */
export function limitLines(bundle: Bundle, run: Run | null, now: number): LimitLines {
  if (run === null) return NO_LINES;
  const day = Math.floor(now / DAY_MS);
  const last = known.get(run);
  if (last !== undefined && last.bundle === bundle && last.day === day) return last;
  const lines = linesOf(bundle, run, new Date(now).toISOString().slice(0, 10));
  const found = { bundle, day, lines, keys: [...new Set(lines.map(({ key }) => key))] };
  known.set(run, found);
  return found;
}

function linesOf(bundle: Bundle, run: Run, day: string): LimitLine[] {
  const lines: LimitLine[] = [];
  const path = [{ run: run.id, budget: run.budget }, ...run.actsFor];
  for (const dimension of DIMENSIONS) {
    for (const node of path) {
      // The bundle's limit of a run is that of its whole tree, so it stands at the root.
      const ofTree = node.run === run.root ? bundle.limits.run?.[dimension] : undefined;
      const limit = least(ofTree, node.budget[dimension]);
      if (limit !== undefined) lines.push({ key: `run:${node.run}`, dimension, limit });
    }
    const { agentDay = {}, day: everybody = {} } = bundle.limits;
    const perDay = agentDay[dimension];
    if (perDay !== undefined)
      for (const agent of actorsOf(run))
        lines.push({ key: `agent:${agent}:${day}`, dimension, limit: perDay });
    const together = everybody[dimension];
    if (together !== undefined) lines.push({ key: `day:${day}`, dimension, limit: together });
  }
  return lines;
}

/** Lines with what is already posted and pending; a line without a row has drawn nothing. */
export function limitFacts(lines: readonly LimitLine[], usage: readonly Usage[]): LimitFact[] {
  const facts: LimitFact[] = [];
  for (const { key, dimension, limit } of lines) {
    let posted = 0;
    let pending = 0;
    for (const row of usage)
      if (row.dimension === dimension && row.key === key) ({ posted, pending } = row);
    facts.push({ key, dimension, limit, posted, pending });
  }
  return facts;
}

/** What an action with this cap reserves on each line. */
export function reservations(limits: readonly LimitFact[], cap: EffectVector): Reservation[] {
  const reserved: Reservation[] = [];
  for (const { key, dimension, limit } of limits)
    if (cap[dimension] > 0) reserved.push({ key, dimension, limit, amount: cap[dimension] });
  return reserved;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : Math.min(a, b);
}
