import type { JsonObject } from './json.ts';

/** What can be told to somebody outside. The names are stable: receivers sort by them. */
export const ALERT_EVENTS = [
  'halt.raised',
  'halt.inert',
  'halt.stuck',
  'halt.lifted',
  'halt.local',
  'halt.automatic',
  'drill.failed',
  'drill.stale',
  'lease.irrevocable',
  'lease.residual',
  'policy.disagreed',
  'policy.failed',
  'overload',
  'seal.behind',
] as const;
export type AlertEvent = (typeof ALERT_EVENTS)[number];

/** A webhook. `secret`: name of the secret that deliveries are signed with. */
export interface AlertTarget {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
  readonly allowPrivate: boolean;
  readonly events: readonly AlertEvent[];
}

/** Tells those who asked for it. Never waits, never throws. */
export interface AlertDesk {
  /**
   * `facts`: names, numbers and times, never a secret, an argument or what somebody wrote. `key`: the same one is told
   * once in five minutes, however often it happens.
   */
  tell(event: AlertEvent, facts: JsonObject, key?: string): void;
}

export const NO_ALERTS: AlertDesk = { tell: () => {} };
