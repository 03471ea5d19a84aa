import type { Migration } from './migration.ts';

/** Runs on behalf of a human: whose rights bound them. */
export const migration0008: Migration = {
  number: 8,
  name: 'subject users',
  breaking: false,
  sqlite: `
ALTER TABLE runs ADD COLUMN subject TEXT;
`,
  postgres: `
ALTER TABLE runs ADD COLUMN subject text;
`,
};
