import type { AdminClient } from './admin.ts';
import { checkKept } from './dependencies.ts';
import { type Fields, isFields, nameOf } from './fields.ts';
import { ALLOWED_FUNCTIONS } from './functions.ts';
import { parseStatement } from './parse.ts';
import { forbidden } from './shape.ts';

/** What row security asks about the session, and a tool may not. */
const SESSION_FUNCTIONS = new Set(
  'current_setting has_column_privilege has_schema_privilege has_table_privilege inet_client_addr pg_has_role'.split(
    ' ',
  ),
);

interface Kept {
  readonly oid: number;
  readonly spoken: string;
  readonly text: string;
}

/** Row security runs with every read and write: the functions in it must be as harmless as those of a statement. */
export async function checkPolicies(
  client: AdminClient,
  relations: readonly number[],
): Promise<void> {
  const { rows } = await client.query<Kept>(
    `SELECT y.oid::int8::float8 AS oid, format('policy %s of %s', y.polname, c.relname) AS spoken,
            concat_ws(' AND ', '(' || pg_get_expr(y.polqual, y.polrelid) || ')',
                      '(' || pg_get_expr(y.polwithcheck, y.polrelid) || ')') AS text
     FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid AND c.relrowsecurity
     WHERE y.polrelid = ANY ($1::oid[]) ORDER BY y.oid`,
    [relations],
  );
  await checkKept(
    client,
    'pg_policy',
    rows.map(({ oid }) => oid),
  );
  for (const kept of rows) await checkText(kept, SESSION_FUNCTIONS);
}

/** A cast to a domain runs its constraints, and those of the domains below; a range may have functions of its own. */
export async function checkDomains(client: AdminClient, types: ReadonlySet<number>): Promise<void> {
  const { rows } = await client.query<Kept & { type: number }>(
    `WITH RECURSIVE below(oid) AS (
       SELECT unnest($1::oid[])
       UNION SELECT s.next FROM below JOIN pg_type t ON t.oid = below.oid
       LEFT JOIN pg_range r ON r.rngtypid = t.oid OR r.rngmultitypid = t.oid
       CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem), (r.rngsubtype), (r.rngtypid)) AS s(next)
       WHERE s.next <> 0)
     SELECT b.oid::int8::float8 AS type, coalesce(k.oid::int8, 0)::float8 AS oid,
            'domain ' || format_type(b.oid, NULL) AS spoken,
            coalesce(pg_get_expr(k.conbin, 0), 'true') AS text
     FROM below b JOIN pg_type t ON t.oid = b.oid AND t.typtype IN ('d', 'r', 'm')
     LEFT JOIN pg_constraint k ON k.contypid = b.oid AND k.contype = 'c' ORDER BY 1, 2`,
    [[...types]],
  );
  await checkKept(
    client,
    'pg_constraint',
    rows.map(({ oid }) => oid).filter((oid) => oid !== 0),
  );
  await checkKept(
    client,
    'pg_type',
    rows.map(({ type }) => type),
  );
  for (const kept of rows) await checkText(kept, new Set());
}

/** Functions of `pg_catalog` are no recorded dependencies: they are read from the text. */
async function checkText({ spoken, text }: Kept, more: ReadonlySet<string>): Promise<void> {
  if (text === '') return;
  const { tree } = await parseStatement(`SELECT ${text}`);
  for (const name of builtinCalls(tree))
    if (!ALLOWED_FUNCTIONS.has(name) && !more.has(name))
      throw forbidden(name, `${spoken} calls it, and it is not on the list of harmless ones`);
}

function builtinCalls(value: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) builtinCalls(item, found);
  else if (isFields(value))
    for (const [kind, inner] of Object.entries(value)) {
      if (kind === 'FuncCall' && isFields(inner)) {
        const { schema, name } = nameOf((inner as Fields).funcname);
        if (schema === null || schema === 'pg_catalog') found.add(name);
      }
      builtinCalls(inner, found);
    }
  return found;
}
