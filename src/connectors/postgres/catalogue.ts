import type { AdminClient } from './admin.ts';
import { SCHEMAS } from './login.ts';
import type { Name } from './shape.ts';

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `r` table, `p` partitioned, `m` materialised view, `v` view, … */
  readonly kind: string;
  readonly rewritten: boolean;
  readonly rowSecurity: boolean;
  readonly invoker: boolean;
}

export interface RelationColumn {
  readonly relation: number;
  readonly number: number;
  readonly name: string;
  readonly generated: boolean;
  readonly hasDefault: boolean;
  /** Position in the primary key, from 1; 0 outside it. */
  readonly key: number;
}

export interface ForeignKey {
  readonly name: string;
  readonly child: number;
  readonly parent: number;
  readonly parentColumns: readonly number[];
  /** `c` cascade, `n` set null, `d` set default, `a`/`r` refuse. */
  readonly onDelete: string;
  readonly onUpdate: string;
}

export interface Trigger {
  readonly relation: number;
  readonly name: string;
  readonly insert: boolean;
  readonly update: boolean;
  readonly delete: boolean;
  readonly before: boolean;
  readonly function: number;
  readonly functionName: string;
  readonly language: string;
  readonly trusted: boolean;
  readonly definer: boolean;
  readonly volatile: boolean;
  readonly source: string;
}

/** Looks names up as the search path would. One answer per name, null where there is nothing. */
export async function findRelations(
  client: AdminClient,
  names: readonly Name[],
): Promise<(Relation | null)[]> {
  if (names.length === 0) return [];
  const { rows } = await client.query<{ ord: string } & Relation>(
    `SELECT DISTINCT ON (w.ord) w.ord::text, ${RELATION}
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(schema, name, ord)
     JOIN pg_namespace n ON CASE WHEN w.schema IS NULL THEN n.nspname = ANY ($3::text[])
                                 ELSE n.nspname = w.schema END
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind <> 'i'
     ORDER BY w.ord, array_position($3::text[], n.nspname::text)`,
    [names.map(({ schema }) => schema), names.map(({ name }) => name), SCHEMAS],
  );
  const found = new Map(rows.map(({ ord, ...relation }) => [Number(ord), relation]));
  return names.map((_, index) => found.get(index + 1) ?? null);
}

export async function relationsOf(
  client: AdminClient,
  oids: readonly number[],
): Promise<Map<number, Relation>> {
  const { rows } = await client.query<Relation>(
    `SELECT ${RELATION} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY ($1::oid[])`,
    [oids],
  );
  return new Map(rows.map((relation) => [relation.oid, relation]));
}

export async function columnsOf(
  client: AdminClient,
  relations: readonly number[],
): Promise<RelationColumn[]> {
  const { rows } = await client.query<RelationColumn>(
    `SELECT a.attrelid::int8::float8 AS relation, a.attnum AS number, a.attname::text AS name,
            a.attgenerated <> '' AS generated, a.atthasdef OR a.attidentity <> '' AS "hasDefault",
            coalesce(array_position(i.indkey::int2[], a.attnum), -1) + 1 AS key
     FROM pg_attribute a
     LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
     WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attrelid, a.attnum`,
    [relations],
  );
  return rows;
}

export async function foreignKeys(client: AdminClient): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT conname::text AS name, conrelid::int8::float8 AS child,
            confrelid::int8::float8 AS parent, confkey AS "parentColumns",
            confdeltype::text AS "onDelete", confupdtype::text AS "onUpdate"
     FROM pg_constraint WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd')
                                                 OR confupdtype IN ('c', 'n', 'd'))
     ORDER BY conname, conrelid`,
  );
  return rows;
}

/** Partitions and inheriting tables: a write to the parent reaches them. */
export async function descendants(client: AdminClient): Promise<Map<number, number[]>> {
  const { rows } = await client.query<{ parent: number; child: number }>(
    `SELECT inhparent::int8::float8 AS parent, inhrelid::int8::float8 AS child FROM pg_inherits
     ORDER BY 1, 2`,
  );
  const children = new Map<number, number[]>();
  for (const { parent, child } of rows)
    children.set(parent, [...(children.get(parent) ?? []), child]);
  return children;
}

/** All partitions and inheriting tables below these. */
export async function below(
  client: AdminClient,
  relations: readonly number[],
): Promise<Map<number, Relation>> {
  const { rows } = await client.query<{ oid: number }>(
    `WITH RECURSIVE under(oid) AS (
       SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY ($1::oid[])
       UNION SELECT i.inhrelid FROM under JOIN pg_inherits i ON i.inhparent = under.oid)
     SELECT oid::int8::float8 AS oid FROM under`,
    [relations],
  );
  return await relationsOf(
    client,
    rows.map(({ oid }) => oid),
  );
}

export async function triggersOf(
  client: AdminClient,
  relations: readonly number[],
): Promise<Trigger[]> {
  const { rows } = await client.query<Trigger>(
    `SELECT t.tgrelid::int8::float8 AS relation, t.tgname::text AS name,
            t.tgtype & 4 <> 0 AS insert, t.tgtype & 16 <> 0 AS update, t.tgtype & 8 <> 0 AS delete,
            t.tgtype & 2 <> 0 AS before,
            p.oid::int8::float8 AS function, fn.nspname || '.' || p.proname AS "functionName",
            l.lanname::text AS language, l.lanpltrusted OR l.lanname = 'sql' AS trusted,
            p.prosecdef AS definer, p.provolatile = 'v' AS volatile, p.prosrc AS source
     FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
     JOIN pg_namespace fn ON fn.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
     WHERE t.tgrelid = ANY ($1::oid[]) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
     ORDER BY t.tgrelid, t.tgname`,
    [relations],
  );
  return rows;
}

/** Functions that defaults of these tables call; they run as whoever inserts. */
export async function defaultFunctions(
  client: AdminClient,
  relations: readonly number[],
): Promise<{ readonly oid: number; readonly spoken: string }[]> {
  const { rows } = await client.query<{ oid: number; spoken: string }>(
    `SELECT DISTINCT d.refobjid::int8::float8 AS oid, d.refobjid::regprocedure::text AS spoken
     FROM pg_attrdef a JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
     WHERE a.adrelid = ANY ($1::oid[]) AND d.refclassid = 'pg_proc'::regclass ORDER BY 2`,
    [relations],
  );
  return rows;
}

/** Sequences behind `serial` columns: an INSERT needs USAGE on them. Identity columns need nothing. */
export async function defaultSequences(
  client: AdminClient,
  relations: readonly number[],
): Promise<{ readonly oid: number; readonly schema: string; readonly name: string }[]> {
  const { rows } = await client.query<{ oid: number; schema: string; name: string }>(
    `SELECT DISTINCT s.oid::int8::float8 AS oid, n.nspname::text AS schema, s.relname::text AS name
     FROM pg_attrdef a JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid
     JOIN pg_class s ON d.refclassid = 'pg_class'::regclass AND s.oid = d.refobjid
     JOIN pg_namespace n ON n.oid = s.relnamespace
     WHERE a.adrelid = ANY ($1::oid[]) AND s.relkind = 'S' ORDER BY 2, 3`,
    [relations],
  );
  return rows;
}

export async function constraintColumns(
  client: AdminClient,
  relation: number,
  constraint: string,
): Promise<number[]> {
  const { rows } = await client.query<{ conkey: number[] }>(
    'SELECT conkey FROM pg_constraint WHERE conrelid = $1 AND conname = $2',
    [relation, constraint],
  );
  return rows[0]?.conkey ?? [];
}

/** Columns of a table (and `xmin`) whose SELECT the broker may hand on. */
export async function showable(client: AdminClient, relation: number): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname::text AS name FROM pg_attribute
     WHERE attrelid = $1 AND NOT attisdropped AND (attnum > 0 OR attname = 'xmin')
       AND has_column_privilege(attrelid, attnum, 'SELECT WITH GRANT OPTION')`,
    [relation],
  );
  return new Set(rows.map(({ name }) => name));
}

/** Of the privileges wanted, as `SELECT|column` or `DELETE|`, those the broker may not hand on. */
export async function ungivable(
  client: AdminClient,
  relation: number,
  wanted: readonly (readonly [privilege: string, column: string | null])[],
): Promise<string[]> {
  const { rows } = await client.query<{ said: string }>(
    `SELECT w.privilege || coalesce(' (' || w.part || ')', '') AS said
     FROM unnest($2::text[], $3::text[]) AS w(privilege, part)
     WHERE NOT CASE WHEN w.part IS NULL
       THEN has_table_privilege($1::oid, w.privilege || ' WITH GRANT OPTION')
       ELSE has_column_privilege($1::oid, w.part, w.privilege || ' WITH GRANT OPTION') END`,
    [relation, wanted.map(([privilege]) => privilege), wanted.map(([, column]) => column)],
  );
  return rows.map(({ said }) => said);
}

/** Which of these names are functions of `pg_catalog`. */
export async function builtins(
  client: AdminClient,
  names: readonly string[],
): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT proname::text AS name FROM pg_proc
     WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY ($1::text[])`,
    [names],
  );
  return new Set(rows.map(({ name }) => name));
}

/** SQL names of types by OID, with their schema where it is not `pg_catalog`. */
export async function typeNames(client: AdminClient, oids: readonly number[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format_type(oid, NULL) AS name FROM unnest($1::oid[]) WITH ORDINALITY AS w(oid, ord)
     ORDER BY ord`,
    [oids],
  );
  return rows.map(({ name }) => name);
}

export async function viewText(client: AdminClient, view: number): Promise<string> {
  const { rows } = await client.query<{ text: string }>('SELECT pg_get_viewdef($1::oid) AS text', [
    view,
  ]);
  return rows[0]?.text ?? '';
}

const RELATION = `
  c.oid::int8::float8 AS oid, n.nspname::text AS schema, c.relname::text AS name,
  c.relkind::text AS kind, c.relrowsecurity AS "rowSecurity",
  EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1') AS rewritten,
  coalesce(c.reloptions @> '{security_invoker=true}' OR c.reloptions @> '{security_invoker=on}',
           false) AS invoker`;
