import type { EffectVector } from './effect.ts';

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
  /** The run's own, narrower limits (never wider than the bundle's). */
  readonly budget: Partial<EffectVector>;
}

export const UNDECLARED_INTENT = 'undeclared';
