import type { Migration } from './migration.ts';

/** What may happen once, on whichever replica: answers to a target's questions, the end of a client's session. */
export const migration0007: Migration = {
  number: 7,
  name: 'claims',
  breaking: false,
  sqlite: `
CREATE TABLE claims (claim TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_end ON claims (until);
`,
  postgres: `
CREATE TABLE claims (claim text COLLATE "C" PRIMARY KEY, until bigint NOT NULL);
CREATE INDEX claims_by_end ON claims (until);
`,
};
