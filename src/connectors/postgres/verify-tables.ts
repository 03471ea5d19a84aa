import pg from 'pg';
import type { Probe } from '../../domain/verified.ts';
import { directTables } from './tool-function.ts';
import type { Bound } from './verify.ts';

const MAX_RELATIONS = 300;

export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly rowSecurity: boolean;
  readonly columns: readonly {
    readonly name: string;
    readonly generated: boolean;
    readonly select: boolean;
    readonly insert: boolean;
    readonly update: boolean;
    /** PUBLIC may read it. */
    readonly everybody: boolean;
  }[];
  /** The login may use its schema. */
  readonly reachable: boolean;
  readonly delete: boolean;
  readonly truncate: boolean;
}

/** One privilege that is looked at. `held`: what the catalogue says, null: it is only tried. */
export interface Wanted {
  readonly what: string;
  readonly sql: string;
  readonly needed: boolean;
  readonly held: string | false | null;
}

/** Every table, view and foreign table that is not PostgreSQL's own, with what the catalogue says the login may do. */
export async function relationsIn(
  client: pg.Client,
): Promise<{ readonly relations: readonly Relation[]; readonly more: boolean }> {
  const { rows } = await client.query<Relation>(RELATIONS, [MAX_RELATIONS + 1]);
  return { relations: rows.slice(0, MAX_RELATIONS), more: rows.length > MAX_RELATIONS };
}

/** All columns of a table that a tool uses; of any other the first is enough. */
export function wantedOf(relation: Relation, bindings: readonly Bound[]): Wanted[] {
  const rights = bindings.flatMap(({ binding }) =>
    directTables(binding).filter(
      ({ schema, name }) => schema === relation.schema && name === relation.name,
    ),
  );
  const name = `${relation.schema}.${relation.name}`;
  const table = `${pg.escapeIdentifier(relation.schema)}.${pg.escapeIdentifier(relation.name)}`;
  const held = (may: boolean, everybody = false): string | false =>
    may && relation.reachable ? (everybody ? 'PUBLIC may' : 'it may') : false;
  const columns = rights.length > 0 ? relation.columns : reachableFirst(relation);
  const wanted: Wanted[] = [];
  for (const column of columns) {
    const quoted = pg.escapeIdentifier(column.name);
    const needs = (of: 'select' | 'insert' | 'update'): boolean =>
      rights.some((right) => right[of].includes(column.name));
    wanted.push({
      what: `read ${column.name} of ${name}`,
      sql: `SELECT ${quoted} FROM ${table} LIMIT 0`,
      needed: needs('select') || rights.some(({ image }) => image.includes(column.name)),
      held: held(column.select, column.everybody),
    });
    if (column.generated) continue;
    wanted.push(
      {
        what: `insert ${column.name} into ${name}`,
        sql: `INSERT INTO ${table} (${quoted}) SELECT NULL WHERE false`,
        needed: needs('insert'),
        held: held(column.insert),
      },
      {
        what: `update ${column.name} of ${name}`,
        sql: `UPDATE ${table} SET ${quoted} = NULL WHERE false`,
        needed: needs('update'),
        held: held(column.update),
      },
    );
  }
  return [
    ...wanted,
    {
      what: `delete from ${name}`,
      sql: `DELETE FROM ${table} WHERE false`,
      needed: rights.some((right) => right.delete),
      held: held(relation.delete),
    },
    {
      what: `truncate ${name}`,
      // refused before anything is locked, or not tried
      sql: `TRUNCATE ${table}`,
      needed: false,
      held: held(relation.truncate),
    },
  ];
}

function reachableFirst({ columns }: Relation): Relation['columns'] {
  const open = columns.filter((one) => one.select || one.insert || one.update);
  return open.length > 0 ? open : columns.slice(0, 1);
}

/** What the catalogue says is allowed is taken at its word; everything else is tried, and taken back. */
export async function tried(
  client: pg.Client,
  { what, sql, needed, held }: Wanted,
): Promise<Probe> {
  if (held !== false && held !== null) return { what, needed, allowed: true, said: held };
  await client.query('SAVEPOINT sbx_probe');
  try {
    await client.query(sql);
    return { what, needed, allowed: true, said: 'it was done, and taken back' };
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return { what, needed, allowed: false, said: `${error.message} (${error.code})` };
  } finally {
    await client.query('ROLLBACK TO SAVEPOINT sbx_probe');
  }
}

const RELATIONS = `
  SELECT c.oid::int8::float8 AS oid, n.nspname::text AS schema, c.relname::text AS name,
         c.relrowsecurity AS "rowSecurity",
         has_schema_privilege(n.oid, 'USAGE') AS reachable,
         has_table_privilege(c.oid, 'DELETE') AS delete,
         has_table_privilege(c.oid, 'TRUNCATE') AS truncate,
         json_agg(json_build_object('name', a.attname, 'generated', a.attgenerated <> '' OR a.attidentity = 'a',
           'select', has_column_privilege(c.oid, a.attnum, 'SELECT'),
           'insert', has_column_privilege(c.oid, a.attnum, 'INSERT'),
           'update', has_column_privilege(c.oid, a.attnum, 'UPDATE'),
           'everybody', has_column_privilege('public', c.oid, a.attnum, 'SELECT')) ORDER BY a.attnum) AS columns
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$)'
  GROUP BY c.oid, n.oid, n.nspname, c.relname, c.relrowsecurity
  ORDER BY n.nspname, c.relname LIMIT $1`;
