/** So narrow that runs come to their end: a limit that is never reached shows nothing. */
export const LIMITS = {
  run: { calls: 12, rowsWritten: 3 },
  agentDay: { calls: 2_000_000, rowsWritten: 200_000 },
} as const;
