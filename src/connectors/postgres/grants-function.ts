import pg from 'pg';
import type { Connection } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import type { PostgresBinding, ToolFunction } from './binding.ts';
import { bringTo, ensureRole, retire } from './grants-role.ts';
import { CATALOGUE_PATH, SEARCH_PATH } from './login.ts';
import { type Privilege, statementPrivileges } from './privileges.ts';
import { PG16, versionOf } from './server-needs.ts';
import {
  checkValues,
  createText,
  FUNCTION_CHECK,
  FUNCTION_SCHEMA,
  functionNames,
  ownerComment,
} from './tool-function.ts';

/*
 * One function for each version of a tool with `enforce: function`, each owned by a role of its own:
 *   wanted ──▶ role, its grants, function, EXECUTE for grant roles ──gone from the bundle──▶ EXECUTE taken at once
 *   ──no login is in a transaction with it──▶ function and role dropped (else at the next apply)
 * For the length of this transaction the broker is a member of the owners: only an owner gives EXECUTE.
 */

/** One tool, as far as the grants know it. */
export interface Held {
  readonly digest: string;
  readonly binding: PostgresBinding;
}

/** Makes what is missing. Gives the privileges on each function by the digest of its tool. */
export async function prepareFunctions(
  client: AdminClient,
  connection: Connection,
  tools: readonly Held[],
): Promise<Map<string, readonly Privilege[]>> {
  const held = new Map<string, readonly Privilege[]>();
  const owners = await ownersOf(client, connection);
  for (const owner of owners) await join(client, owner);
  for (const { digest, binding } of tools) {
    const made = binding.function;
    if (made === undefined || held.has(digest)) continue;
    await ensureSchema(client);
    const { owner } = functionNames(connection, digest);
    await ensureRole(client, owner, ownerComment(connection));
    if (!owners.includes(owner)) await join(client, owner);
    await bringTo(client, connection, owner, statementPrivileges(binding));
    held.set(digest, await ensureFunction(client, connection, digest, made));
  }
  return held;
}

/** After the grant roles are what they should be, so that nobody may call it: drops what nothing needs, leaves the owners. */
export async function endFunctions(
  client: AdminClient,
  connection: Connection,
  kept: ReadonlySet<string>,
): Promise<void> {
  const wanted = new Set([...kept].map((digest) => functionNames(connection, digest).owner));
  const busy = await isBusy(client);
  for (const owner of await ownersOf(client, connection)) {
    if (!wanted.has(owner) && !busy) await drop(client, owner);
    if (wanted.has(owner) || busy || (await exists(client, owner))) await leave(client, owner);
  }
}

async function ensureFunction(
  client: AdminClient,
  connection: Connection,
  digest: string,
  made: ToolFunction,
): Promise<readonly Privilege[]> {
  const { name, owner } = functionNames(connection, digest);
  const values = checkValues(connection, digest, made);
  const asPlanned = async (): Promise<string | null> => {
    const { rows } = await client.query<{ oid: string | null }>(
      `SELECT f.oid FROM (${FUNCTION_CHECK.text}) AS f(oid)`,
      values,
    );
    return rows[0]?.oid ?? null;
  };
  let oid = await asPlanned();
  if (oid === null) {
    await dropNamed(client, name);
    await create(client, name, owner, made);
    oid = await asPlanned();
  }
  if (oid === null)
    throw new SignalboxError(
      'TOOL_DRIFTED',
      `\`${FUNCTION_SCHEMA}.${name}\` is not the function this bundle was planned with`,
    );
  const { rows } = await client.query<{ spoken: string }>(
    'SELECT $1::oid::regprocedure::text AS spoken',
    [oid],
  );
  const execute = { privilege: 'EXECUTE', object: `FUNCTION ${rows[0]?.spoken}` };
  // there minting gives it to each login, and is no member of the owner
  if ((await versionOf(client)) < PG16)
    await client.query(`GRANT EXECUTE ON ${execute.object} TO CURRENT_USER WITH GRANT OPTION`);
  return [{ privilege: 'USAGE', object: `SCHEMA ${quote(FUNCTION_SCHEMA)}` }, execute];
}

/** Made by the broker, then given away: a role must be able to create in the schema to be given something there. */
async function create(
  client: AdminClient,
  name: string,
  owner: string,
  made: ToolFunction,
): Promise<void> {
  const whole = `${quote(FUNCTION_SCHEMA)}.${quote(name)}`;
  const signature = `FUNCTION ${whole}(${made.arguments.join(', ')})`;
  await client.query(`SET LOCAL search_path = ${SEARCH_PATH}`);
  // the extended protocol takes one statement only, whatever the text says
  const text = createText(whole, made);
  await client.query({ text, values: [], queryMode: 'extended' } as pg.QueryConfig);
  await client.query(`SET LOCAL search_path = ${CATALOGUE_PATH};
    REVOKE ALL ON ${signature} FROM PUBLIC;
    GRANT CREATE ON SCHEMA ${quote(FUNCTION_SCHEMA)} TO ${quote(owner)};
    ALTER ${signature} OWNER TO ${quote(owner)};
    REVOKE CREATE ON SCHEMA ${quote(FUNCTION_SCHEMA)} FROM ${quote(owner)}`);
}

async function ensureSchema(client: AdminClient): Promise<void> {
  const { rows } = await client.query<{ own: boolean }>(
    `SELECT nspowner = current_user::regrole AS own FROM pg_namespace WHERE nspname = $1`,
    [FUNCTION_SCHEMA],
  );
  if (rows.length === 0) await client.query(`CREATE SCHEMA ${quote(FUNCTION_SCHEMA)}`);
  else if (rows[0]?.own !== true)
    throw new SignalboxError(
      'CREDENTIAL_FAILED',
      `schema \`${FUNCTION_SCHEMA}\` belongs to somebody else than the broker`,
      { help: `as its owner: ALTER SCHEMA ${FUNCTION_SCHEMA} OWNER TO <broker>` },
    );
}

async function ownersOf(client: AdminClient, connection: Connection): Promise<string[]> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT r.rolname FROM pg_roles r JOIN pg_shdescription d
       ON d.classoid = 'pg_authid'::regclass AND d.objoid = r.oid
     WHERE NOT r.rolcanlogin AND starts_with(r.rolname, 'sbx_owner_') AND d.description = $1`,
    [ownerComment(connection)],
  );
  return rows.map(({ rolname }) => rolname);
}

async function exists(client: AdminClient, role: string): Promise<boolean> {
  return (await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role])).rows.length > 0;
}

async function join(client: AdminClient, owner: string): Promise<void> {
  const options = (await versionOf(client)) >= PG16 ? ' WITH INHERIT TRUE, SET TRUE' : '';
  await client.query(`GRANT ${quote(owner)} TO CURRENT_USER${options}`);
}

async function leave(client: AdminClient, owner: string): Promise<void> {
  await client.query(`REVOKE ${quote(owner)} FROM CURRENT_USER GRANTED BY CURRENT_USER`);
}

async function drop(client: AdminClient, owner: string): Promise<void> {
  for (const spoken of await functionsOf(client, owner))
    await client.query(`DROP FUNCTION ${spoken}`);
  await retire(client, owner);
}

async function dropNamed(client: AdminClient, name: string): Promise<void> {
  const { rows } = await client.query<{ spoken: string }>(
    `SELECT p.oid::regprocedure::text AS spoken FROM pg_proc p
     JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = $2`,
    [FUNCTION_SCHEMA, name],
  );
  for (const { spoken } of rows) await client.query(`DROP FUNCTION ${spoken}`);
}

async function functionsOf(client: AdminClient, owner: string): Promise<string[]> {
  const { rows } = await client.query<{ spoken: string }>(
    `SELECT p.oid::regprocedure::text AS spoken FROM pg_proc p
     JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
     WHERE n.nspname = $1 AND r.rolname = $2 ORDER BY p.oid`,
    [FUNCTION_SCHEMA, owner],
  );
  return rows.map(({ spoken }) => spoken);
}

/** A minted login is in the midst of a transaction here, maybe in one of the functions. */
async function isBusy(client: AdminClient): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database()
       AND starts_with(usename, 'sbxrole_') AND xact_start IS NOT NULL LIMIT 1`,
  );
  return rows.length > 0;
}

const quote = pg.escapeIdentifier;
