/** What of a run's outcomes is counted. */
export const TRIP_KINDS = ['denials', 'unknownDestroys', 'failedCredentials'] as const;
export type TripKind = (typeof TRIP_KINDS)[number];

/** So many of a kind within so many seconds halt the run, or its agent. Never more than that. */
export interface TripRule {
  readonly count: number;
  readonly seconds: number;
  readonly halts: 'run' | 'agent';
}

export type AutomaticHalts = { readonly [K in TripKind]?: TripRule };
