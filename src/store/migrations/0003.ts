import type { Migration } from './migration.ts';

/** Whose an intent, a lease and a run are: the replica that recorded it. Null for what was there before: nobody's. */
export const migration0003: Migration = {
  number: 3,
  name: 'what belongs to which replica',
  breaking: false,
  sqlite: `
ALTER TABLE actions ADD COLUMN replica TEXT;
ALTER TABLE leases ADD COLUMN replica TEXT;
ALTER TABLE runs ADD COLUMN replica TEXT;
`,
  postgres: `
ALTER TABLE actions ADD COLUMN replica TEXT;
ALTER TABLE leases ADD COLUMN replica TEXT;
ALTER TABLE runs ADD COLUMN replica TEXT;
`,
};
