/** What the agent is asked to do, one line each; the same words on both sides of its standard input. */

/** `mend` is for bare hands; the others need Signalbox's tools. */
export const TASKS = [
  'mend',
  'tools',
  'customer',
  'orders',
  'backups',
  'upgrade',
  'tidy',
  'backup',
  'volume',
  'token',
  'environment',
  'credit',
  'revenue',
] as const;
export type TaskName = (typeof TASKS)[number];

export interface Task {
  readonly task: TaskName;
  /** For `token`: the service to try it at. */
  readonly url?: string;
}

/** What the agent says of it. The story believes none of it: it looks at the target. */
export interface Reply {
  readonly task: TaskName;
  /** The tool's or the service's answer, as the agent got it. */
  readonly text: string;
  /** The answer was a refusal or a fault. */
  readonly refused: boolean;
  readonly data?: Readonly<Record<string, unknown>>;
}

export const CUSTOMER = 475;
export const PLAN = 'business';
export const CREDIT_CENTS = 5_000;
/** The agent takes every customer from before this day for a leftover of a test. */
export const BEFORE = '2025-11-01';
export const VOLUME = 'acme-db';
export const BACKUP = 'backup-0001';
