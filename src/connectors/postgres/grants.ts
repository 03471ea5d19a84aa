import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import { bringLogins, GRANTS_LOCK } from './grants-direct.ts';
import { endFunctions, type Held, prepareFunctions } from './grants-function.ts';
import { bringTo, ensureRole, retire } from './grants-role.ts';
import { grantComment, grantCommentEnding, grantRole } from './names.ts';
import { privilegesOf } from './privileges.ts';

/** What an agent's tools need at a connection. */
export interface Need {
  readonly agent: string;
  readonly tools: readonly Held[];
}

/**
 * Brings the grant roles of a connection to exactly what is needed: missing privileges are granted, superfluous ones
 * revoked, roles of agents that are gone emptied and dropped. Runs in one transaction under an advisory lock.
 * Throws CREDENTIAL_FAILED when the broker may not give something, TOOL_DRIFTED when a table is not the planned one.
 */
export async function prepareGrants(
  client: AdminClient,
  connection: Connection,
  needs: readonly Need[],
): Promise<void> {
  await client.query(GRANTS_LOCK);
  const wanted = new Set<string>();
  const all = needs.flatMap(({ tools }) => tools);
  await checkTables(client, all);
  const functions = await prepareFunctions(client, connection, all);
  const connect = { privilege: 'CONNECT', object: await databaseOf(client) };
  for (const { agent, tools } of needs) {
    const role = grantRole(agent, connection);
    wanted.add(role);
    await ensureRole(client, role, grantComment(agent, connection));
    const calls = tools.flatMap(({ digest }) => functions.get(digest) ?? []);
    const direct = privilegesOf(tools.map(({ binding }) => binding));
    const needed = [...direct, ...calls, connect];
    await bringTo(client, connection, role, needed);
    await bringLogins(client, connection, role, needed);
  }
  for (const role of await rolesOf(client, connection)) {
    if (wanted.has(role)) continue;
    await bringLogins(client, connection, role, []);
    await retire(client, role);
  }
  await endFunctions(client, connection, new Set(functions.keys()));
}

async function checkTables(client: AdminClient, held: readonly Held[]): Promise<void> {
  const there = async (what: string, sql: string, values: readonly unknown[]): Promise<void> => {
    const { rows } = await client.query(sql, [...values]);
    if (rows.length === 0)
      throw new SignalboxError(
        'TOOL_DRIFTED',
        `\`${what}\` is not the one this bundle was planned with`,
      );
  };
  for (const { binding } of held) {
    for (const { oid, schema, name } of binding.tables)
      await there(`${schema}.${name}`, TABLE, [oid, schema, name]);
    for (const { oid, signature } of binding.calls ?? [])
      await there(signature, 'SELECT WHERE to_regprocedure($1)::oid = $2::oid', [signature, oid]);
  }
}

const TABLE = `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = $1 AND n.nspname = $2 AND c.relname = $3`;

async function rolesOf(client: AdminClient, connection: Connection): Promise<string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT r.rolname FROM pg_roles r JOIN pg_shdescription d
       ON d.classoid = 'pg_authid'::regclass AND d.objoid = r.oid
     WHERE NOT r.rolcanlogin AND starts_with(d.description, 'signalbox grants of ')
       AND right(d.description, length($1)) = $1`,
    [grantCommentEnding(connection)],
  );
  return rows.map(({ rolname }) => rolname);
}

async function databaseOf(client: AdminClient): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  return `DATABASE ${quote(rows[0]?.name ?? '')}`;
}

const quote = pg.escapeIdentifier;
