import type { Migration } from './migration.ts';

/**
 * Joint reads have one record and no row in `actions`. Their record is found by the id of the action: in canonical text
 * `action` is the first member, so the id stands between the twelfth character and the first `",`.
 */
export const migration0002: Migration = {
  number: 2,
  name: 'reads by their id',
  breaking: false,
  sqlite: `
CREATE UNIQUE INDEX events_of_reads ON events (substr(body, 12, instr(body, '",') - 12))
  WHERE type = 'action.read';
`,
  postgres: `
CREATE UNIQUE INDEX events_of_reads
  ON events (substr(body, 12, greatest(0, strpos(body, '",') - 12))) WHERE type = 'action.read';
`,
};
