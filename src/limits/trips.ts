import type { AutomaticHalts, TripKind } from '../domain/automatic-halt.ts';

/** One outcome that counts. `code`: denials count by it; of the others each counts like any other. */
export interface Mishap {
  readonly kind: TripKind;
  readonly code: string;
  readonly runId: string;
  readonly agent: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export interface Trip {
  readonly scope: string;
  readonly reason: string;
}

/** Times of mishaps by what they count for, oldest first; of one that tripped, the time before which nothing counts. */
export interface Counted {
  readonly times: readonly number[];
  readonly quietUntil: number;
}
export type Counts = ReadonlyMap<string, Counted>;

const MOST_KEYS = 4_096;

/**
 * Whether this mishap is the one too many. Pure: the same mishaps in the same order trip at the same one. What tripped
 * counts from nothing again, and only after its window, so that a halt that was lifted is not raised by old news.
 */
export function tripped(
  before: Counts,
  rules: AutomaticHalts,
  mishap: Mishap,
): { readonly counts: Counts; readonly trip: Trip | null } {
  const rule = rules[mishap.kind];
  if (rule === undefined) return { counts: before, trip: null };
  const { at, kind, code } = mishap;
  const scope = rule.halts === 'run' ? `run:${mishap.runId}` : `agent:${mishap.agent}`;
  const key = `${scope} ${kind} ${kind === 'denials' ? code : ''}`;
  const known = before.get(key) ?? { times: [], quietUntil: Number.NEGATIVE_INFINITY };
  if (at < known.quietUntil) return { counts: before, trip: null };
  const windowMs = rule.seconds * 1_000;
  const times = [...known.times.filter((time) => at - time < windowMs), at];
  const trips = times.length >= rule.count;
  const counted = trips
    ? { times: [], quietUntil: at + windowMs }
    : { times: times.slice(-rule.count), quietUntil: known.quietUntil };
  const counts = new Map(before.size >= MOST_KEYS ? [] : before).set(key, counted);
  if (!trips) return { counts, trip: null };
  return {
    counts,
    trip: { scope, reason: `${times.length} ${WORDS[kind]}${of(mishap)} within ${rule.seconds} s` },
  };
}

function of({ kind, code }: Mishap): string {
  return kind === 'denials' ? ` (${code})` : '';
}

const WORDS = {
  denials: 'refusals for the same reason',
  unknownDestroys: 'destructions with an unknown outcome',
  failedCredentials: 'credentials that could not be had',
} as const;
