import type { EffectVector } from './effect.ts';
import { canonical } from './json.ts';

/** live → ended. A halted run stays live and inert until it is ended or the halt is lifted. */
export type RunState = 'live' | 'ended';

/** One task of one agent with a declared intent; root of, or a node in, a run tree. Times in ms since the epoch. */
export interface Run {
  readonly id: string;
  readonly root: string;
  readonly parent: string | null;
  readonly depth: number;
  readonly agent: string;
  /** Declared by who started it; `undeclared` for an interactive client that said nothing. */
  readonly intent: string;
  readonly state: RunState;
  readonly startedAt: number;
  readonly expiresAt: number;
  readonly endedAt: number | null;
  /** The run's own, narrower limits (never wider than the bundle's). Those of the runs above it hold besides. */
  readonly budget: Partial<EffectVector>;
  /** The only tools it may use; null: whatever everybody in `actsFor`, and its own agent, are granted. */
  readonly tools: readonly string[] | null;
  /** For whom it acts: its parent first, the root last; empty for a root. */
  readonly actsFor: readonly Ancestor[];
  /** The human on whose behalf it runs, as do all runs under it; absent: nobody's but its agents'. */
  readonly subject?: string;
}

/** What tells which halts stop a run. */
export type LiveRun = Pick<Run, 'id' | 'agent' | 'parent' | 'actsFor'>;

/** A run above another, with what never changes of it. */
export interface Ancestor {
  readonly run: string;
  readonly agent: string;
  readonly budget: Partial<EffectVector>;
}

export const UNDECLARED_INTENT = 'undeclared';

/** How deep a run tree may be (a root is at 0), and how many sub-runs of it may be live at once. */
export const TREE = { depth: 8, live: 64 } as const;

/** What must be known of a run to begin one under it. */
export type Parent = Pick<
  Run,
  'id' | 'root' | 'depth' | 'agent' | 'expiresAt' | 'budget' | 'tools' | 'actsFor' | 'subject'
>;

/** The chain of who acts for whom, for a run under this one. */
export function actsForUnder({ id, agent, budget, actsFor }: Parent): readonly Ancestor[] {
  return [{ run: id, agent, budget }, ...actsFor];
}

/** How `child` would be more than a sub-run of `parent` may be; null when it is none of that. */
export function widening(parent: Parent, child: Run): string | null {
  if (child.parent !== parent.id || child.root !== parent.root) return 'it names another parent';
  if (child.depth !== parent.depth + 1) return 'it stands at another depth';
  if (child.depth > TREE.depth) return `it stands deeper than ${TREE.depth}`;
  if (canonical(child.actsFor) !== canonical(actsForUnder(parent)))
    return 'it acts for others than its parent does';
  if (child.subject !== parent.subject) return 'it is on behalf of another user than its parent';
  if (child.expiresAt > parent.expiresAt) return 'it would last longer than its parent';
  const { tools } = parent;
  if (tools !== null) {
    if (child.tools === null) return 'it names no tools, and its parent is held to some';
    const other = child.tools.find((tool) => !tools.includes(tool));
    if (other !== undefined) return `its parent was not given \`${other}\``;
  }
  return largerBudget(child);
}

function largerBudget({ budget, actsFor }: Run): string | null {
  for (const [dimension, asked] of Object.entries(budget))
    for (const above of actsFor) {
      const has = above.budget[dimension as keyof EffectVector];
      if (has !== undefined && asked > has)
        return `its \`${dimension}\` of ${asked} is more than the ${has} of \`${above.run}\``;
    }
  return null;
}

/** Who acts in this run, the agent itself first, each once. */
export function actorsOf({ agent, actsFor }: Pick<Run, 'agent' | 'actsFor'>): readonly string[] {
  if (actsFor.length === 0) return [agent];
  return [...new Set([agent, ...actsFor.map((above) => above.agent)])];
}
