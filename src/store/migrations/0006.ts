import type { Migration } from './migration.ts';

/** Drills are few and looked for all the time, by `doctor` and by every replica; the system chain is long. */
export const migration0006: Migration = {
  number: 6,
  name: 'drills by their records',
  breaking: false,
  sqlite: `
CREATE INDEX events_of_drills ON events (seq) WHERE type IN ('drill.begun', 'drill.kept');
`,
  postgres: `
CREATE INDEX events_of_drills ON events (seq) WHERE type IN ('drill.begun', 'drill.kept');
`,
};
