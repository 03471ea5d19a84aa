/** A drill by the clock, as configured: which agent is halted for real, and what is looked at while it is. */
export interface DrillPlan {
  readonly hours: number;
  /** Halted each time. It works for nobody else. */
  readonly agent: string;
  /** Another agent, which must not notice. */
  readonly witness: string;
  /** The system whose account of effects counts. */
  readonly connection: string;
  /** A read of that connection that the agent makes all the time; the target keeps the time of each. */
  readonly touch: string;
  /** A read of that connection that tells the witness `now` and `last`: milliseconds by the target's own clock. */
  readonly look: string;
  /** A write of the agent that needs a human: asked before the halt, and void after it. */
  readonly ask?: string;
}

/** Something that could still have acted after the halt, tried with a real request; `held` when it was refused. */
export interface DrillProbe {
  readonly name: string;
  readonly held: boolean;
  /** What came of it: a code, never a text of somebody else's. */
  readonly got: string;
}

/** `dead`: its source was asked and refuses it. `bounded`: it dies by itself at `until`. `not-revocable`: not by us. */
export type CredentialVerdict = 'dead' | 'bounded' | 'not-revocable';

export interface DrilledCredential {
  readonly handle: string;
  readonly connection: string;
  readonly verdict: CredentialVerdict;
  readonly until: number | null;
  readonly ms: number;
}

/** What one drill found. Times are whole milliseconds after the order to halt was given. */
export interface DrillReport {
  readonly version: 1;
  readonly id: string;
  /** When the halt was ordered, ms since the epoch. */
  readonly at: number;
  readonly by: string;
  readonly agent: string;
  /** A named agent is halted and stays so; there is no canary to count its effects. */
  readonly kind: 'canary' | 'named';
  readonly scope: string;
  readonly epoch: number;
  readonly software: string;
  readonly bundle: string;
  readonly replicas: number;
  readonly flights: { readonly aborted: number; readonly sent: number };
  readonly parts: {
    /** The last replica's acknowledgement. */
    readonly gateMs: number | null;
    /** The last flight resolved. */
    readonly inflightMs: number | null;
    /** The last credential confirmed dead at its source. */
    readonly issuerMs: number | null;
    /** The last effect that the target saw, by its own clock; null where there is no canary. */
    readonly effectMs: number | null;
  };
  /** The greatest of the four; null when one of them never came. */
  readonly timeToInertMs: number | null;
  readonly credentials: readonly DrilledCredential[];
  readonly probes: readonly DrillProbe[];
  /** Things that had to work before the halt, or for somebody else after it. */
  readonly controls: readonly DrillProbe[];
  readonly ok: boolean;
  /** Why it failed, and what could not be tried. */
  readonly problems: readonly string[];
  readonly untried: readonly string[];
}

/** A drill as the ledger has it. Begun and never recorded: it did not survive itself, which is a failure. */
export interface DrillRecord {
  readonly id: string;
  readonly agent: string;
  readonly begunAt: number;
  readonly recorded: {
    readonly at: number;
    readonly report: DrillReport;
    /** As it was signed, byte by byte. */
    readonly text: string;
    /** A signed note over the text, by the ledger's own key; null where it could not be made. */
    readonly signature: string | null;
    /** Its place in the system chain. */
    readonly seq: number;
    readonly hash: string;
  } | null;
}

/** A drill that took longer than this is over, whatever became of it. */
export const DRILL_LASTS_MS = 5 * 60_000;

/** A scheduled drill is late when this much more than its interval has passed. */
const GRACE = 1.5;

export interface DrillHealth {
  readonly state: 'off' | 'never' | 'fresh' | 'stale' | 'failed';
  readonly lastAt: number | null;
}

/** How drilled a deployment is. Off without a plan; failed beats stale, and a drill under way is no failure yet. */
export function drillHealth(
  plan: DrillPlan | undefined,
  /** Newest first. */
  drills: readonly DrillRecord[],
  now: number,
): DrillHealth {
  const underWay = (drill: DrillRecord): boolean =>
    drill.recorded === null && now - drill.begunAt < DRILL_LASTS_MS;
  const last = drills.find((drill) => !underWay(drill));
  const lastAt = last?.begunAt ?? null;
  if (last !== undefined && last.recorded?.report.ok !== true) return { state: 'failed', lastAt };
  if (plan === undefined) return { state: 'off', lastAt };
  if (last === undefined) return { state: 'never', lastAt };
  const isStale = now - last.begunAt > plan.hours * 3_600_000 * GRACE;
  return { state: isStale ? 'stale' : 'fresh', lastAt };
}

/** What the signature of a report is for: no signature of another kind of document passes for it. */
export const DRILL_DOCUMENT = 'drill-report';
