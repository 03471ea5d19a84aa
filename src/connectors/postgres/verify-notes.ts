import type pg from 'pg';
import { PG15, PG16, versionOf } from './server-needs.ts';
import type { Bound } from './verify.ts';
import type { Relation } from './verify-tables.ts';

/** What least privilege does not say: how rows are bound, who sees images, what PUBLIC has besides. */
export async function verifyNotes(
  client: pg.Client,
  relations: readonly Relation[],
  bindings: readonly Bound[],
): Promise<string[]> {
  return [
    ...rowNotes(relations, bindings),
    ...imageNotes(bindings),
    ...(await serverNotes(client)),
    ...(await publicNotes(client)),
  ];
}

/** Where an older server binds less than those since 16. */
async function serverNotes(client: pg.Client): Promise<string[]> {
  const version = await versionOf(client);
  if (version >= PG16) return [];
  const server = `PostgreSQL ${Math.floor(version / 10_000)}`;
  return [
    `${server}: the broker’s CREATEROLE reaches every role that is no superuser, and by predefined roles the files and` +
      ' programs of the server: guard its password as a superuser’s, or use PostgreSQL 16, where it reaches the roles it made',
    ...(version >= PG15
      ? []
      : [
          `${server}: a login can make other roles its members (GRANT … TO), until it ends: what they have by it ends then too, but not what a transaction of theirs has done by then`,
        ]),
  ];
}

function rowNotes(relations: readonly Relation[], bindings: readonly Bound[]): string[] {
  const notes: string[] = [];
  for (const { schema, name, rowSecurity } of relations) {
    const users = bindings.filter(({ binding }) =>
      binding.tables.some((table) => table.schema === schema && table.name === name),
    );
    if (users.length === 0) continue;
    const by = (held: boolean): string =>
      users
        .filter(({ binding }) => (binding.function !== undefined) === held)
        .map(({ tool }) => `\`${tool.name}\``)
        .join(', ');
    const enforced = by(true);
    if (enforced !== '')
      notes.push(
        `rows of ${schema}.${name} are bound by the database: the login may only call the function of ${enforced}`,
      );
    const tools = by(false);
    if (tools === '') continue;
    notes.push(
      rowSecurity
        ? `rows of ${schema}.${name} are bound by row security, and by the statements of ${tools}`
        : `rows of ${schema}.${name} are bound by the statements of ${tools} only: with the login itself every row can be reached in the columns named`,
    );
  }
  return notes;
}

function imageNotes(bindings: readonly Bound[]): string[] {
  return bindings.flatMap(({ tool, binding }) =>
    binding.tables.flatMap(({ schema, name, image }) => {
      if (image.length === 0) return [];
      const what = `${image.join(', ')} of ${schema}.${name}`;
      return binding.function !== undefined
        ? [`the function of \`${tool.name}\` shows ${what}, of the rows that it changes`]
        : [
            `\`${tool.name}\` may read ${what} for images, and the login those of every row` +
              ' (`enforce: function` keeps it to the rows that it changes, `images: none` takes it away)',
          ];
    }),
  );
}

async function publicNotes(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ note: string }>(
    `SELECT 'PUBLIC may make temporary tables in this database' AS note
     WHERE has_database_privilege('public', current_database(), 'TEMPORARY')
     UNION ALL
     SELECT 'PUBLIC may connect to ' || string_agg(datname, ', ' ORDER BY datname) FROM pg_database
     WHERE datallowconn AND datname <> current_database()
       AND has_database_privilege('public', oid, 'CONNECT') HAVING count(*) > 0
     UNION ALL
     SELECT 'PUBLIC may create objects in schema ' || string_agg(nspname, ', ' ORDER BY nspname)
     FROM pg_namespace WHERE has_schema_privilege('public', oid, 'CREATE') HAVING count(*) > 0
     UNION ALL
     SELECT 'PUBLIC may read ' || count(*) || ' large objects' FROM pg_largeobject_metadata m,
       LATERAL aclexplode(m.lomacl) a WHERE a.grantee = 0 AND a.privilege_type = 'SELECT'
     HAVING count(*) > 0`,
  );
  return rows.map(({ note }) => note);
}
