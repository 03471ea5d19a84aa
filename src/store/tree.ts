import type { LiveRun, Run } from '../domain/run.ts';
import { TREE, widening } from '../domain/run.ts';
import { fault } from './ground.ts';

/* What a store checks of a run tree, over any store's rows. */

/** What a run is held to, as its row has it. */
export interface HeldRow {
  readonly budget: string;
  readonly tools: string | null;
  readonly acts_for: string;
  readonly subject: string | null;
}

export interface ParentRow extends HeldRow {
  readonly id: string;
  readonly root: string;
  readonly depth: number;
  readonly agent: string;
  readonly state: Run['state'];
  readonly expires_at: number;
}

export interface SubRunRow {
  readonly id: string;
  readonly parent: string;
  readonly expires_at: number;
}

export interface LiveRow {
  readonly id: string;
  readonly agent: string;
  readonly parent: string | null;
  readonly acts_for: string;
}

const NOBODY: Run['actsFor'] = [];

export function liveRunOf({ acts_for, ...row }: LiveRow): LiveRun {
  return { ...row, actsFor: actsForOf(acts_for) };
}

function actsForOf(text: string): Run['actsFor'] {
  return text === '[]' ? NOBODY : (JSON.parse(text) as Run['actsFor']);
}

export function heldTo(row: HeldRow): Pick<Run, 'budget' | 'tools' | 'actsFor' | 'subject'> {
  return {
    budget: JSON.parse(row.budget) as Run['budget'],
    tools: row.tools === null ? null : (JSON.parse(row.tools) as readonly string[]),
    actsFor: actsForOf(row.acts_for),
    ...(row.subject === null ? {} : { subject: row.subject }),
  };
}

export function heldColumns({ budget, tools, actsFor, subject }: Run): HeldRow {
  return {
    budget: JSON.stringify(budget),
    tools: tools === null ? null : JSON.stringify(tools),
    acts_for: JSON.stringify(actsFor),
    subject: subject ?? null,
  };
}

/** Throws for a run without parent that is no root. */
export function requireRoot({ id, root, depth, parent, actsFor }: Run): void {
  if (parent !== null || root !== id || depth !== 0 || actsFor.length > 0)
    throw fault(`run \`${id}\` has no parent and is no root`);
}

/**
 * What stands against a sub-run: its parent is over, or its tree full. Whoever asked has looked at all of this; here is
 * where it cannot have moved. Throws for one that would be more than its parent.
 */
export function againstSubRun(
  run: Run,
  parent: ParentRow | undefined,
  liveInTree: readonly SubRunRow[],
  at: number,
): 'over' | 'full' | null {
  if (parent === undefined || parent.state !== 'live' || parent.expires_at <= at) return 'over';
  const { id, root, depth, agent, expires_at: expiresAt } = parent;
  const wider = widening({ id, root, depth, agent, expiresAt, ...heldTo(parent) }, run);
  if (wider !== null) throw fault(`run \`${run.id}\` cannot begin under \`${id}\`: ${wider}`);
  const live = liveInTree.filter(({ expires_at }) => expires_at > at);
  return live.length < TREE.live ? null : 'full';
}

/** Of the live sub-runs of a tree, the deepest first, those under this run in the same order. */
export function under(runId: string, subRuns: readonly SubRunRow[]): string[] {
  const above = new Set([runId]);
  for (const { id, parent } of subRuns.toReversed()) if (above.has(parent)) above.add(id);
  return subRuns.filter(({ id }) => id !== runId && above.has(id)).map(({ id }) => id);
}
