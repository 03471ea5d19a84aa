import type { Migration } from './migration.ts';

/**
 * Sub-runs: the tools a run is held to, and whom it acts for (JSON, parent first). Few runs have any above them, so their
 * tree is found by an index of those alone.
 */
export const migration0005: Migration = {
  number: 5,
  name: 'sub-runs',
  breaking: false,
  sqlite: `
ALTER TABLE runs ADD COLUMN tools TEXT;
ALTER TABLE runs ADD COLUMN acts_for TEXT NOT NULL DEFAULT '[]';
CREATE INDEX runs_of_tree ON runs (root) WHERE parent IS NOT NULL AND state = 'live';
`,
  postgres: `
ALTER TABLE runs ADD COLUMN tools text;
ALTER TABLE runs ADD COLUMN acts_for text NOT NULL DEFAULT '[]';
CREATE INDEX runs_of_tree ON runs (root) WHERE parent IS NOT NULL AND state = 'live';
`,
};
