import pg from 'pg';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import { ALLOWED_EXTENSIONS } from './functions.ts';
import { CATALOGUE_PATH, SEARCH_PATH } from './login.ts';
import { forbidden } from './shape.ts';

/** What the server itself found a statement to refer to. Objects pinned in `pg_catalog` are not among them. */
export interface References {
  /** Relation → its columns; empty for a relation without a named column. */
  readonly columns: ReadonlyMap<number, ReadonlySet<number>>;
  readonly views: ReadonlySet<number>;
  /** Functions behind extension calls and operators. */
  readonly functions: ReadonlySet<number>;
  readonly types: ReadonlySet<number>;
  /** Their names, to tell a call of an extension from one of `pg_catalog`. */
  readonly functionNames: ReadonlySet<string>;
}

interface Dependency {
  readonly class: string;
  readonly oid: number;
  readonly column: number;
  readonly spoken: string;
  readonly relkind: string | null;
  readonly schema: string | null;
  readonly function: number | null;
  readonly functionName: string | null;
  readonly volatility: string | null;
  readonly typtype: string | null;
  readonly extension: string | null;
}

/**
 * Lets the server analyse the statement as the body of a function that is never called and never committed: its
 * recorded dependencies are every column, function, operator and type in it, resolved by the real rules. `own`: functions
 * of the target that the tool lists.
 */
export async function referencesOf(
  client: AdminClient,
  text: string,
  parameterTypes: readonly string[],
  own: ReadonlySet<number>,
): Promise<References> {
  await client.query(`SET LOCAL search_path = ${SEARCH_PATH}`);
  try {
    await client.query({
      text: `CREATE FUNCTION pg_temp.sbx_statement(${parameterTypes.join(', ')}) RETURNS void
             LANGUAGE sql BEGIN ATOMIC ${text}
             ; END`,
      // The extended protocol takes one statement only, whatever the text says.
      values: [],
      queryMode: 'extended',
    } as pg.QueryConfig);
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === '42501') throw needsTemporary(error);
    throw error;
  }
  await client.query(`SET LOCAL search_path = ${CATALOGUE_PATH}`);
  const { rows } = await client.query<Dependency>(
    `${DEPENDENCIES} WHERE d.classid = 'pg_proc'::regclass AND d.objid = (
       SELECT oid FROM pg_proc
       WHERE proname = 'sbx_statement' AND pronamespace = pg_my_temp_schema())`,
  );
  await client.query(`DROP FUNCTION pg_temp.sbx_statement`);
  return sorted(rows, own);
}

/** The same for the query of a view. */
export async function referencesOfView(
  client: AdminClient,
  view: number,
  own: ReadonlySet<number>,
): Promise<References> {
  const { rows } = await client.query<Dependency>(
    `${DEPENDENCIES} JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
     WHERE r.ev_class = $1 AND r.ev_type = '1' AND d.refobjid <> $1`,
    [view],
  );
  return sorted(rows, own);
}

/** The same for expressions the catalogue keeps: policies, constraints. Throws as for a statement. */
export async function checkKept(
  client: AdminClient,
  kind: 'pg_constraint' | 'pg_policy' | 'pg_type',
  oids: readonly number[],
): Promise<void> {
  const { rows } = await client.query<Dependency>(
    `${DEPENDENCIES} WHERE d.classid = $1::regclass AND d.objid = ANY ($2::oid[])
       AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)`,
    [kind, oids],
  );
  for (const dependency of rows) check(dependency, NONE);
}

function sorted(dependencies: readonly Dependency[], own: ReadonlySet<number>): References {
  const columns = new Map<number, Set<number>>();
  const views = new Set<number>();
  const functions = new Set<number>();
  const functionNames = new Set<string>();
  const types = new Set<number>();
  for (const dependency of dependencies) {
    check(dependency, own);
    if (dependency.class === 'pg_class') {
      const used = columns.get(dependency.oid) ?? new Set();
      if (dependency.column !== 0) used.add(dependency.column);
      columns.set(dependency.oid, used);
      if (dependency.relkind === 'v') views.add(dependency.oid);
    }
    if (dependency.function !== null) functions.add(dependency.function);
    if (dependency.class === 'pg_type') types.add(dependency.oid);
    if (dependency.class === 'pg_proc' && dependency.functionName !== null)
      functionNames.add(dependency.functionName);
  }
  return { columns, views, functions, functionNames, types };
}

const NONE: ReadonlySet<number> = new Set();
const HARMLESS_CLASSES = new Set([
  'pg_collation',
  'pg_constraint',
  'pg_language',
  'pg_namespace',
  'pg_ts_config',
]);

/** `own`: functions of this database that the tool lists. */
function check(dependency: Dependency, own: ReadonlySet<number>): void {
  const { spoken } = dependency;
  switch (dependency.class) {
    case 'pg_class':
      checkRelation(dependency);
      return;
    case 'pg_proc':
    case 'pg_operator':
      if (dependency.function !== null && own.has(dependency.function)) return;
      if (dependency.extension === null || !ALLOWED_EXTENSIONS.has(dependency.extension))
        throw forbidden(
          spoken,
          'it is defined in this database, not by PostgreSQL, and not in `functions`',
        );
      if (dependency.volatility === 'v') throw forbidden(spoken, 'it is volatile');
      return;
    case 'pg_type':
      if (['e', 'd', 'r', 'm'].includes(dependency.typtype ?? '')) return;
      if (ALLOWED_EXTENSIONS.has(dependency.extension ?? '')) return;
      throw forbidden(spoken, 'it is no enumeration, domain or range');
    default:
      if (!HARMLESS_CLASSES.has(dependency.class))
        throw forbidden(spoken, 'no rule says that it is harmless');
  }
}

function checkRelation({ relkind, schema, spoken }: Dependency): void {
  if (schema === null || isSystemSchema(schema))
    throw forbidden(spoken, 'a tool does not look into system catalogues');
  if (relkind === 'f') throw forbidden(spoken, 'effects of foreign tables cannot be measured');
  if (relkind === 'S') throw forbidden(spoken, 'a tool does not use sequences by itself');
  if (!['r', 'p', 'm', 'v'].includes(relkind ?? ''))
    throw forbidden(spoken, 'it is no table or view');
}

export function isSystemSchema(schema: string): boolean {
  return schema === 'information_schema' || schema.startsWith('pg_');
}

function needsTemporary(cause: Error): SignalboxError {
  return new SignalboxError(
    'TOOL_UNRESOLVED',
    'the broker may not create temporary objects, which it needs to resolve a statement',
    {
      cause,
      help: 'run `GRANT TEMPORARY ON DATABASE <database> TO <broker>`; nothing temporary is kept',
    },
  );
}

const DEPENDENCIES = `
  SELECT d.refclassid::regclass::text AS class, d.refobjid::int8::float8 AS oid,
         d.refobjsubid AS column,
         pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) AS spoken,
         c.relkind::text AS relkind, n.nspname::text AS schema,
         f.oid::int8::float8 AS function, f.proname::text AS "functionName",
         f.provolatile::text AS volatility,
         coalesce(te.typtype, t.typtype)::text AS typtype, e.extname::text AS extension
  FROM pg_depend d
  LEFT JOIN pg_class c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
  LEFT JOIN pg_proc f ON f.oid = CASE WHEN d.refclassid = 'pg_proc'::regclass THEN d.refobjid
                                      ELSE o.oprcode END
  LEFT JOIN pg_type t ON d.refclassid = 'pg_type'::regclass AND t.oid = d.refobjid
  LEFT JOIN pg_type te ON te.oid = t.typelem AND t.typcategory = 'A'
  LEFT JOIN pg_depend ed ON ed.classid = d.refclassid AND ed.objid = d.refobjid
                         AND ed.deptype = 'e'
  LEFT JOIN pg_extension e ON e.oid = ed.refobjid`;
