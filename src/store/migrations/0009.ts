import type { Migration } from './migration.ts';

/** Earlier calls of a run tree are found by what was called; its runs by their root. */
const INDEXES = `
CREATE INDEX actions_attempted ON actions (root, tool, arguments_digest)
  WHERE purpose = 'execute' AND halt IS NOT NULL;
CREATE INDEX runs_by_root ON runs (root);
`;

export const migration0009: Migration = {
  number: 9,
  name: 'calls of a run tree',
  breaking: false,
  sqlite: INDEXES,
  postgres: INDEXES,
};
