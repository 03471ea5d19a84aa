import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import type { PostgresBinding } from './binding.ts';
import { grantComment, grantCommentEnding, grantRole } from './names.ts';
import { heldBy, keyOf, type Privilege, privilegesOf } from './privileges.ts';

/** What an agent's tools need at a connection. */
export interface Need {
  readonly agent: string;
  readonly bindings: readonly PostgresBinding[];
}

const LOCK = 'signalbox grants';

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
  await client.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [LOCK]);
  const wanted = new Set<string>();
  for (const { agent, bindings } of needs) {
    const role = grantRole(agent, connection);
    wanted.add(role);
    await checkTables(client, bindings);
    await ensureRole(client, role, grantComment(agent, connection));
    await bringTo(client, connection, role, privilegesOf(bindings));
  }
  for (const role of await rolesOf(client, connection))
    if (!wanted.has(role)) await retire(client, role);
}

async function checkTables(
  client: AdminClient,
  bindings: readonly PostgresBinding[],
): Promise<void> {
  for (const { tables } of bindings)
    for (const { oid, schema, name } of tables) {
      const { rows } = await client.query(
        `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = $1 AND n.nspname = $2 AND c.relname = $3`,
        [oid, schema, name],
      );
      if (rows.length === 0)
        throw new SignalboxError(
          'TOOL_DRIFTED',
          `\`${schema}.${name}\` is not the table this bundle was planned with`,
        );
    }
}

async function ensureRole(client: AdminClient, role: string, comment: string): Promise<void> {
  const { rows } = await client.query<{ powers: boolean }>(
    `SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
            OR rolbypassrls AS powers FROM pg_roles WHERE rolname = $1`,
    [role],
  );
  if (rows[0]?.powers)
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `role \`${role}\` exists and is more than a holder of grants`,
      { help: 'drop that role: somebody else made or changed it' },
    );
  if (rows.length === 0) await client.query(`CREATE ROLE ${quote(role)} NOLOGIN`);
  await client.query(`COMMENT ON ROLE ${quote(role)} IS ${pg.escapeLiteral(comment)}`);
}

async function bringTo(
  client: AdminClient,
  connection: Connection,
  role: string,
  needed: readonly Privilege[],
): Promise<void> {
  const wanted = new Map(
    [...needed, { privilege: 'CONNECT', object: await databaseOf(client) }].map((one) => [
      keyOf(one),
      one,
    ]),
  );
  const held = await heldBy(client, role);
  const missing = [...wanted.values()].filter((one) => !held.has(keyOf(one)));
  const superfluous = [...held.values()].filter((one) => !wanted.has(keyOf(one)));
  for (const one of superfluous) await revoke(client, role, one);
  for (const one of missing) await grant(client, connection, role, one);
  const now = await heldBy(client, role);
  // What PUBLIC gives to everybody the broker may be unable to give again, and need not.
  for (const key of wanted.keys())
    if (!now.has(key) && !(await publicGives(client, role, key))) throw cannotGive(connection, key);
  for (const [key] of now)
    if (!wanted.has(key))
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        `\`${connection.name}\`: role \`${role}\` holds ${key}, which the broker cannot revoke`,
        { help: 'revoke it as the role that granted it' },
      );
}

async function retire(client: AdminClient, role: string): Promise<void> {
  for (const one of (await heldBy(client, role)).values()) await revoke(client, role, one);
  const { rows } = await client.query(
    `SELECT FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
     JOIN pg_roles member ON member.oid = m.member
     WHERE r.rolname = $1 AND member.rolname <> current_user`,
    [role],
  );
  if (rows.length > 0 || (await heldBy(client, role)).size > 0) return;
  await client.query('SAVEPOINT retire');
  try {
    await client.query(`DROP ROLE ${quote(role)}`);
  } catch (error) {
    // It still owns a privilege somewhere we cannot see; empty here is what matters.
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT retire');
  }
}

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

async function grant(
  client: AdminClient,
  connection: Connection,
  role: string,
  one: Privilege,
): Promise<void> {
  await client.query('SAVEPOINT grant_one');
  try {
    await client.query(`GRANT ${one.privilege} ON ${one.object} TO ${quote(role)}`);
    await client.query('RELEASE SAVEPOINT grant_one');
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT grant_one');
    if (error.code !== '42501') throw cannotGive(connection, keyOf(one), error);
  }
}

async function revoke(client: AdminClient, role: string, one: Privilege): Promise<void> {
  await client.query(`REVOKE ${one.privilege} ON ${one.object} FROM ${quote(role)}`);
}

function cannotGive(connection: Connection, key: string, cause?: unknown): SignalboxError {
  return new SignalboxError(
    'CREDENTIAL_FAILED',
    `\`${connection.name}\`: the broker may not give ${key}`,
    { help: `as its owner: GRANT ${key} TO <broker> WITH GRANT OPTION`, cause },
  );
}

async function databaseOf(client: AdminClient): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT current_database() AS name');
  return `DATABASE ${quote(rows[0]?.name ?? '')}`;
}

async function publicGives(client: AdminClient, role: string, key: string): Promise<boolean> {
  const [, privilege, kind, object] =
    /^(USAGE|CONNECT) ON (SCHEMA|DATABASE) "(.*)"$/.exec(key) ?? [];
  if (privilege === undefined || object === undefined) return false;
  const name = object.replaceAll('""', '"');
  const check = kind === 'SCHEMA' ? 'has_schema_privilege' : 'has_database_privilege';
  const { rows } = await client.query<{ held: boolean }>(
    `SELECT ${check}($1::name, $2::text, $3) AS held`,
    [role, name, privilege],
  );
  return rows[0]?.held === true;
}

const quote = pg.escapeIdentifier;
