import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import { heldBy, keyOf, type Privilege } from './privileges.ts';

/** A NOLOGIN role without powers. Throws CREDENTIAL_FAILED when one of that name is more. */
export async function ensureRole(
  client: AdminClient,
  role: string,
  comment: string,
): Promise<void> {
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

/** Grants what is missing and revokes the rest. Throws CREDENTIAL_FAILED when the broker may not. */
export async function bringTo(
  client: AdminClient,
  connection: Connection,
  role: string,
  needed: readonly Privilege[],
): Promise<void> {
  const wanted = new Map(needed.map((one) => [keyOf(one), one]));
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

/** Empties it, and drops it when nobody is its member. */
export async function retire(client: AdminClient, role: string): Promise<void> {
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

async function publicGives(client: AdminClient, role: string, key: string): Promise<boolean> {
  const [, signature] = /^EXECUTE ON FUNCTION (.*)$/s.exec(key) ?? [];
  if (signature !== undefined) {
    const { rows } = await client.query<{ held: boolean }>(
      `SELECT has_function_privilege($1::name, to_regprocedure($2), 'EXECUTE') AS held`,
      [role, signature],
    );
    return rows[0]?.held === true;
  }
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
