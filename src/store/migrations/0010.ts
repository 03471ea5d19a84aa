import type { Migration } from './migration.ts';

/** What runs of an agent usually cost is asked of those that ended last. */
const INDEXES = `
CREATE INDEX runs_of_class ON runs (agent, ended_at) WHERE parent IS NULL AND state = 'ended';
`;

export const migration0010: Migration = {
  number: 10,
  name: 'ended runs of an agent',
  breaking: false,
  sqlite: INDEXES,
  postgres: INDEXES,
};
