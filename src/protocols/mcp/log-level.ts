/** Severities of log lines, least severe first. */
const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;

/** How severe a level is; -1 for what is none. */
export function severity(level: unknown): number {
  return LOG_LEVELS.indexOf(level as (typeof LOG_LEVELS)[number]);
}

export function isLogLevel(value: unknown): value is (typeof LOG_LEVELS)[number] {
  return severity(value) !== -1;
}
