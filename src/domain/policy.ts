import type { Mode } from './mode.ts';

/** Rules in Cedar, one text for each id, and the times they may ask about. Part of a bundle. */
export interface Policies {
  readonly set: { readonly [id: string]: string };
  /** When somebody is at work; without it no hour is an off hour. */
  readonly hours?: WorkingHours;
  /** Times in which nothing changes; none if absent. */
  readonly freezes?: readonly Freeze[];
  /** Others that are asked beside these, in their place, and decide nothing; nobody asks if absent. */
  readonly candidate?: { readonly [id: string]: string };
}

export interface WorkingHours {
  /** 1 is Monday, 7 Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight, local time; `until` is no longer work. */
  readonly from: number;
  readonly until: number;
  /** An IANA name (`Europe/Berlin`). */
  readonly timezone: string;
}

/** In ms since the epoch; `until` is no longer frozen. */
export interface Freeze {
  readonly name: string;
  readonly from: number;
  readonly until: number;
}

/** What the policies of a bundle say of one action: the highest mode they allow, and why no higher one. */
export interface PolicyRuling {
  readonly ceiling: Mode;
  /** `OK`, or a stable code. */
  readonly code: string;
  readonly reason: string;
  readonly fix?: string;
  /** Ids of the policies that decided. */
  readonly policies: readonly string[];
  /** Roles or people that policies name as those to ask; empty: whoever may. */
  readonly approvers: readonly string[];
}

/** Told when policies do not work as they should. */
export interface PolicyAlarm {
  /**
   * `fallback`: the reference engine decides alone, which is slower: the compiler does not know all that is in them.
   * `disagreed`: so it does, since the compiler read them otherwise: a fault of Signalbox. `failed`: all is denied.
   */
  readonly kind: 'fallback' | 'disagreed' | 'failed';
  readonly bundle: string;
  readonly tool: string | null;
  readonly why: string;
}
