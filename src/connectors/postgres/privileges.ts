import pg from 'pg';
import type { AdminClient } from './admin.ts';
import type { PostgresBinding } from './binding.ts';

/** One privilege on one object, in SQL: `GRANT <privilege> ON <object> TO role`. */
export interface Privilege {
  /** `SELECT ("id")`, `DELETE`, `USAGE`, `CONNECT`. */
  readonly privilege: string;
  /** `TABLE "public"."customers"`, `SCHEMA "public"`, … */
  readonly object: string;
}

/** What the login needs for these tools, each once. CONNECT and EXECUTE of their functions are not among it. */
export function privilegesOf(bindings: readonly PostgresBinding[]): Privilege[] {
  return neededBy(bindings.filter((binding) => binding.function === undefined));
}

/** What this tool's statement needs of whoever runs it. */
export function statementPrivileges(binding: PostgresBinding): Privilege[] {
  return neededBy([binding]);
}

function neededBy(bindings: readonly PostgresBinding[]): Privilege[] {
  const found = new Map<string, Privilege>();
  const need = (privilege: string, object: string): void => {
    found.set(`${object} ${privilege}`, { privilege, object });
  };
  for (const { tables, sequences, calls = [] } of bindings) {
    for (const { signature, schema } of calls) {
      need('USAGE', `SCHEMA ${quote(schema)}`);
      need('EXECUTE', `FUNCTION ${signature}`);
    }
    for (const table of tables) {
      const object = `TABLE ${quote(table.schema)}.${quote(table.name)}`;
      need('USAGE', `SCHEMA ${quote(table.schema)}`);
      for (const column of [...table.select, ...table.image])
        need(`SELECT (${quote(column)})`, object);
      for (const column of table.insert) need(`INSERT (${quote(column)})`, object);
      for (const column of table.update) need(`UPDATE (${quote(column)})`, object);
      if (table.delete) need('DELETE', object);
    }
    for (const { schema, name } of sequences) {
      need('USAGE', `SCHEMA ${quote(schema)}`);
      need('USAGE', `SEQUENCE ${quote(schema)}.${quote(name)}`);
    }
  }
  return [...found.values()];
}

/** Every privilege the role itself holds in this database, by the same keys as `privilegesOf`. */
export async function heldBy(client: AdminClient, role: string): Promise<Map<string, Privilege>> {
  const { rows } = await client.query<Privilege>(heldText('$1'), [role]);
  return new Map(rows.map((one) => [keyOf(one), one]));
}

export function keyOf({ privilege, object }: Privilege): string {
  return `${privilege} ON ${object}`;
}

const quote = pg.escapeIdentifier;

/** `role`: an expression of SQL. */
export const heldText = (role: string): string => `
  WITH me AS (SELECT oid FROM pg_roles WHERE rolname = ${role})
  SELECT format('%s (%s)', a.privilege_type, q.column) AS privilege, q.object
  FROM me, pg_attribute t JOIN pg_class c ON c.oid = t.attrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(t.attacl) a
  CROSS JOIN LATERAL (SELECT '"' || replace(t.attname, '"', '""') || '"' AS column,
    'TABLE "' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"'
    AS object) q
  WHERE t.attacl IS NOT NULL AND a.grantee = me.oid
  UNION
  SELECT a.privilege_type, CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END
    || ' "' || replace(n.nspname, '"', '""') || '"."' || replace(c.relname, '"', '""') || '"'
  FROM me, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL aclexplode(c.relacl) a WHERE c.relacl IS NOT NULL AND a.grantee = me.oid
  UNION
  SELECT a.privilege_type, 'SCHEMA "' || replace(n.nspname, '"', '""') || '"'
  FROM me, pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
  WHERE n.nspacl IS NOT NULL AND a.grantee = me.oid
  UNION
  SELECT a.privilege_type, 'DATABASE "' || replace(d.datname, '"', '""') || '"'
  FROM me, pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a
  WHERE d.datname = current_database() AND d.datacl IS NOT NULL AND a.grantee = me.oid
  UNION
  SELECT a.privilege_type, 'FUNCTION ' || p.oid::regprocedure::text
  FROM me, pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
  WHERE p.proacl IS NOT NULL AND a.grantee = me.oid AND p.proowner <> me.oid`;
