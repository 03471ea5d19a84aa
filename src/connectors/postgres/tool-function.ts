import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { digestOf } from '../../domain/digest.ts';
import type { PostgresBinding, ToolFunction } from './binding.ts';
import type { Prepared } from './exchange.ts';
import { DRIFTED } from './fingerprint.ts';
import { SEARCH_PATH, targetOf } from './login.ts';

/*
 * `enforce: function`: the statement stands in a SECURITY DEFINER function, and its role is all that may touch the table.
 * A run's login may call the function and nothing else, so the database itself binds the rows to the statement. The body
 * is parsed when it is made (BEGIN ATOMIC): no name in it is looked up again, whoever may create things in `public`.
 */

/** Signalbox's own schema in a target, owned by the broker there. */
export const FUNCTION_SCHEMA = 'signalbox';

export interface FunctionNames {
  readonly name: string;
  /** The NOLOGIN role that owns it and holds what its statement needs. */
  readonly owner: string;
}

/** Of one version of a tool at one connection. Roles are of the whole server, so a name says the database too. */
export function functionNames(connection: Connection, digest: string): FunctionNames {
  const { database, user } = targetOf(connection);
  const of = { tool: digest, connection: connection.name, database, user };
  const hash = digestOf('tool-function', of).slice(0, 40);
  return { name: `t_${hash}`, owner: `sbx_owner_${hash}` };
}

/** Kept as the comment of the owning role, to find those whose tool is gone. */
export function ownerComment(connection: Connection): string {
  const { database, user } = targetOf(connection);
  return `signalbox function of a tool at ${connection.name} (${database} by ${user})`;
}

export function callOf(connection: Connection, digest: string, made: ToolFunction): string {
  const { name } = functionNames(connection, digest);
  const values = made.arguments.map((_, index) => `$${index + 1}`).join(', ');
  return `SELECT * FROM ${quote(FUNCTION_SCHEMA)}.${quote(name)}(${values})`;
}

/** `name` stands as given. A read is STABLE, in which PostgreSQL runs no statement that writes. */
export function createText(
  name: string,
  { arguments: types, columns, stable, body }: Omit<ToolFunction, 'seal'>,
): string {
  const returned = columns.map((column) => `${quote(column.name)} ${column.type}`).join(', ');
  // with names, since the server tells parameters without one apart by nothing
  const given = types.map((type, index) => `sbx_in_${index + 1} ${type}`).join(', ');
  return `CREATE FUNCTION ${name}(${given}) RETURNS TABLE (${returned})
    LANGUAGE sql ${stable ? 'STABLE' : 'VOLATILE'} SECURITY DEFINER
    SET search_path = ${SEARCH_PATH}
    BEGIN ATOMIC ${body}
    ; END`;
}

/**
 * SHA-256 of what a function takes, gives and does, in the server's own words, under the search path of catalogues. It
 * names itself where it uses its parameters, and is called otherwise when it is planned.
 */
export const SEAL = `encode(sha256(convert_to(concat_ws(E'\\n',
  pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), p.provolatile,
  replace(pg_get_function_sqlbody(p.oid), quote_ident(p.proname) || '.', '')), 'UTF8')), 'hex')`;

/**
 * The OID of function `$1` when it is the planned one: alone under its name, owned by role `$2` without powers, with the
 * seal `$3`, closed to PUBLIC. Null otherwise. Whoever asks needs no rights on it.
 */
const AS_PLANNED = `
  SELECT CASE WHEN count(*) = 1 AND bool_and(coalesce(
    r.rolname = $2::text AND NOT (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolbypassrls)
    AND p.prokind = 'f' AND p.prosecdef AND l.lanname = 'sql'
    AND p.proconfig = ARRAY['search_path=${SEARCH_PATH}']
    AND NOT has_function_privilege('public', p.oid, 'EXECUTE')
    AND ${SEAL} = $3::text, false)) THEN min(p.oid::int8)::text END
  FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner JOIN pg_language l ON l.oid = p.prolang
  JOIN pg_namespace n ON n.oid = p.pronamespace
  WHERE n.nspname = '${FUNCTION_SCHEMA}' AND p.proname = $1::text`;

export const FUNCTION_CHECK: Prepared = { name: 'sbx_function', text: AS_PLANNED };

/** The same as the gate of a write: fails when there is none, or when it is not OID `$4` (null: any). */
export const FUNCTION_GATE: Prepared = {
  name: 'sbx_function_gate',
  text: `SELECT CASE WHEN f.oid = coalesce($4::text, f.oid) THEN f.oid
                ELSE ('${DRIFTED} ' || coalesce(f.oid, 'none'))::int::text END
         FROM (${AS_PLANNED}) AS f(oid)`,
};

export function checkValues(connection: Connection, digest: string, made: ToolFunction): string[] {
  const { name, owner } = functionNames(connection, digest);
  return [name, owner, made.seal];
}

/** What the statement itself would need of the login: nothing where a function stands between. */
export function directTables({
  function: made,
  tables,
}: PostgresBinding): PostgresBinding['tables'] {
  return made === undefined ? tables : [];
}

const quote = pg.escapeIdentifier;
