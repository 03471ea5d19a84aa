/** A database as what lies on a volume: read for a backup, dropped with the volume. */
import pg from 'pg';
import type { Attachment } from './volumes-disk.ts';

const BATCH = 500;

/**
 * @param url the superuser's address of the server; its database is the one attached unless
 *   `database` names another.
 */
export function attachDatabase(url: string, label: string, database?: string): Attachment {
  const name = database ?? decodeURIComponent(new URL(url).pathname.slice(1));
  const inDatabase = (other: string): string => {
    const address = new URL(url);
    address.pathname = `/${encodeURIComponent(other)}`;
    return address.href;
  };
  return {
    label,
    dump: () => dump(inDatabase(name)),
    destroy: async () => {
      const client = await connected(inDatabase('postgres'));
      try {
        await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
      } finally {
        await client.end();
      }
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Another caller may drop the database under us; the query in hand reports it.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** All tables at one moment, read through a cursor so that the size does not matter. */
async function* dump(url: string): AsyncGenerator<{ table: string; row: unknown }> {
  const client = await connected(url);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const tables = await client.query<{ name: string }>(
      `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    );
    for (const { name } of tables.rows) {
      const from = `public.${pg.escapeIdentifier(name)} AS t`;
      await client.query(`DECLARE dump CURSOR FOR SELECT to_jsonb(t) AS row FROM ${from}`);
      for (;;) {
        const { rows } = await client.query<{ row: unknown }>(`FETCH ${BATCH} FROM dump`);
        for (const { row } of rows) yield { table: name, row };
        if (rows.length < BATCH) break;
      }
      await client.query('CLOSE dump');
    }
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
