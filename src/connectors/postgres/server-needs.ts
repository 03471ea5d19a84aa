import type pg from 'pg';
import { SignalboxError } from '../../domain/errors.ts';
import type { Shape } from './shape.ts';

/*
 * The grammar here is PostgreSQL 18's, and a server may be older. What it is known to lack is said before it is asked; about
 * the rest it says so itself, as an error of syntax in a statement that has none.
 */

/** The first release with MERGE, and in which a login does not administer itself. */
export const PG15 = 150_000;
/** The first release in which a membership can be without SET. */
export const PG16 = 160_000;
/** The first release with `MERGE … RETURNING`. */
export const PG17 = 170_000;
/** The first release with `RETURNING old, new`. */
export const PG18 = 180_000;

const known = new WeakMap<pg.ClientBase, number>();

/** `server_version_num`. Asked once a connection. */
export async function versionOf(client: pg.ClientBase): Promise<number> {
  const before = known.get(client);
  if (before !== undefined) return before;
  const { rows } = await client.query<{ version: string }>(
    `SELECT current_setting('server_version_num') AS version`,
  );
  const version = Number(rows[0]?.version);
  known.set(client, version);
  return version;
}

/** Throws TOOL_UNRESOLVED for what this server is too old for. */
export function requireKnown({ writes }: Shape, version: number): void {
  if (version < PG15 && writes.some(({ verb }) => verb === 'merge'))
    throw new SignalboxError(
      'TOOL_UNRESOLVED',
      `\`MERGE\` needs PostgreSQL 15 or newer, this server is ${majorOf(version)}`,
      { help: 'write it as INSERT … ON CONFLICT, or as one tool for each thing it does' },
    );
}

/** What is added to the server's own words about syntax that our grammar accepted. */
export function tooOldFor(code: string | undefined, version: number): string {
  return code === '42601' ? ` (this server is PostgreSQL ${majorOf(version)})` : '';
}

function majorOf(version: number): number {
  return Math.floor(version / 10_000);
}
