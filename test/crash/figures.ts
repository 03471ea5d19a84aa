/** What the campaign found, counted from three accounts of it: the target's, the ledger's, and what agent and operator heard. */
import { LIMITS, NARROW_BUDGET } from './proposals.ts';

/** The ledger's account, read after everything has settled. */
export interface Evidence {
  /** Intents to execute, with their outcome; null: none yet. */
  readonly actions: readonly {
    readonly run: string;
    readonly tool: string;
    /** What its effect is known by at the target; null for reads. */
    readonly marker: string | null;
    readonly outcome: string | null;
  }[];
  readonly answered: ReadonlySet<string>;
  readonly usage: readonly {
    readonly key: string;
    readonly dimension: string;
    readonly posted: number;
    readonly pending: number;
  }[];
  /** What verify found in the chains, and where the tables say other than the chains. */
  readonly ledgerProblems: readonly string[];
  readonly narrowRuns: ReadonlySet<string>;
}

export interface AtTarget {
  readonly effects: ReadonlyMap<string, number>;
  readonly logins: readonly string[];
}

/** What came back to whoever asked: each is a promise that the ledger must keep. */
export interface Told {
  /** Markers whose call was answered with a result. */
  readonly done: ReadonlySet<string>;
  /** Reads answered with a result, by run and tool. */
  readonly reads: ReadonlyMap<string, number>;
  readonly approvals: ReadonlySet<string>;
}

export interface Figures {
  readonly unknowns: number;
  readonly unknownsPostgres: number;
  readonly doubleEffects: number;
  readonly effectsWithoutIntent: number;
  readonly doneWithoutEffect: number;
  readonly effectAfterFailed: number;
  readonly leakedReservations: number;
  readonly brokenChains: number;
  readonly leakedRoles: number;
  readonly acknowledgedLost: number;
}

export function figuresOf(evidence: Evidence, target: AtTarget, told: Told): Figures {
  const byMarker = Map.groupBy(
    evidence.actions.filter(({ marker }) => marker !== null),
    ({ marker }) => marker ?? '',
  );
  const outcomes = (marker: string, ...kinds: readonly (string | null)[]): number =>
    (byMarker.get(marker) ?? []).filter(({ outcome }) => kinds.includes(outcome)).length;
  const effects = [...target.effects];
  const unknown = evidence.actions.filter(({ outcome }) => outcome === 'unknown');
  return {
    unknowns: unknown.length,
    unknownsPostgres: unknown.filter(({ tool }) => tool !== 'post_mark').length,
    doubleEffects: effects.filter(([, times]) => times > 1).length,
    effectsWithoutIntent: effects.filter(
      ([marker, times]) => times > (byMarker.get(marker)?.length ?? 0),
    ).length,
    doneWithoutEffect: [...byMarker.keys()].filter(
      (marker) => outcomes(marker, 'done') > (target.effects.get(marker) ?? 0),
    ).length,
    effectAfterFailed: effects.filter(
      ([marker, times]) =>
        byMarker.has(marker) && times > outcomes(marker, 'done', 'unknown', 'running', null),
    ).length,
    leakedReservations: evidence.usage.filter(isLeaked(evidence.narrowRuns)).length,
    brokenChains: evidence.ledgerProblems.length,
    leakedRoles: target.logins.length,
    acknowledgedLost: acknowledgedLost(evidence, told, (marker) => outcomes(marker, 'done')),
  };
}

function acknowledgedLost(
  { actions, answered }: Evidence,
  told: Told,
  done: (marker: string) => number,
): number {
  const writes = [...told.done].filter((marker) => done(marker) === 0).length;
  const approvals = [...told.approvals].filter((id) => !answered.has(id)).length;
  const reads = [...told.reads].filter(([key, times]) => {
    const kept = actions.filter(
      ({ run, tool, outcome }) => readKey(run, tool) === key && outcome === 'done',
    );
    return times > kept.length;
  }).length;
  return writes + approvals + reads;
}

export function readKey(run: string, tool: string): string {
  return `${run} ${tool}`;
}

/** Something still held when nothing is under way, or more than was ever allowed. */
function isLeaked(narrow: ReadonlySet<string>): (usage: Evidence['usage'][number]) => boolean {
  return ({ key, dimension, posted, pending }) => {
    const wide: Readonly<Record<string, number>> = key.startsWith('run:')
      ? LIMITS.run
      : LIMITS.agentDay;
    const own: Readonly<Record<string, number>> = narrow.has(key.slice('run:'.length))
      ? NARROW_BUDGET
      : {};
    const limit = own[dimension] ?? wide[dimension] ?? Number.POSITIVE_INFINITY;
    return pending > 0 || posted + pending > limit;
  };
}

/** The claims of the design, each of which must be zero. */
export const MUST_BE_ZERO = [
  'unknownsPostgres',
  'doubleEffects',
  'effectsWithoutIntent',
  'doneWithoutEffect',
  'effectAfterFailed',
  'leakedReservations',
  'brokenChains',
  'leakedRoles',
  'acknowledgedLost',
] as const satisfies readonly (keyof Figures)[];
