import pg from 'pg';
import type { Connection, Tool } from '../../domain/bundle.ts';
import type { Derived, GrantSet, Inspector } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { AdminClient, PostgresAdmin } from './admin.ts';
import { bindingOf, draftOf } from './binding.ts';
import { deriveTool } from './derive.ts';
import { deriveQuery, wantedOf } from './derive-query.ts';
import { prepareGrants } from './grants.ts';
import { tooOldFor } from './server-needs.ts';
import { verifyLogin } from './verify.ts';

const LIMITS = `SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '5s'`;

/** Reads the catalogue for plan, and keeps the grant roles. Uses the broker's own login, never a minted one. */
export function createPostgresInspector(admin: PostgresAdmin): Inspector {
  return {
    kind: 'postgres',
    async derive(draft: Tool, connection: Connection): Promise<Derived> {
      const derive = derivationOf(draft, connection);
      const { version } = await admin.server(connection);
      return await admin.with(connection, async (client) => {
        try {
          // Always rolled back: the server analyses, nothing stays.
          await client.query(`BEGIN; ${LIMITS}`);
          return await derive(client);
        } catch (error) {
          throw explained(draft, error, version);
        } finally {
          await client.query('ROLLBACK').catch(() => {});
        }
      });
    },
    async prepare(
      connection: Connection,
      tools: readonly Tool[],
      grantSets: readonly GrantSet[],
    ): Promise<void> {
      const byName = new Map(tools.map((tool) => [tool.name, tool]));
      const needs = grantSets.map(({ agent, tools: names }) => ({
        agent,
        tools: names.flatMap((name) => {
          const tool = byName.get(name);
          return tool === undefined ? [] : [{ digest: tool.digest, binding: bindingOf(tool) }];
        }),
      }));
      await admin.with(connection, (client) =>
        transaction(client, () => prepareGrants(client, connection, needs)),
      );
    },
    verify: (connection, { agent, tools }, credential) =>
      verifyLogin({ connection, tools, credential, roles: rolesOf(admin, agent, connection) }),
  };
}

function rolesOf(admin: PostgresAdmin, agent: string, connection: Connection): string[] {
  return [admin.grantRole(agent, connection), admin.brokerRole(connection)];
}

async function transaction(client: AdminClient, work: () => Promise<void>): Promise<void> {
  await client.query(`BEGIN; ${LIMITS}`);
  try {
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    if (error instanceof pg.DatabaseError)
      throw new SignalboxError(
        'CREDENTIAL_FAILED',
        `the grant roles could not be brought up to date: ${error.message}`,
        { cause: error },
      );
    throw error;
  }
}

/** A guarded query or a fixed statement; faults of the manifest are told before the database is asked. */
function derivationOf(
  draft: Tool,
  { settings }: Connection,
): (client: AdminClient) => Promise<Derived> {
  const asked = {
    maxRows: draft.cap.rowsRead + 1,
    labelled: settings.tables !== undefined || settings.productionTables !== undefined,
  };
  if (draft.binding.query !== undefined) {
    const wanted = wantedOf(draft);
    return (client) => deriveQuery(client, wanted, asked);
  }
  const wanted = draftOf(draft);
  return (client) => deriveTool(client, wanted, inputsOf(draft.inputSchema), asked);
}

function inputsOf(schema: JsonObject): string[] {
  const { properties } = schema;
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

/** The server's own words about the statement: names that do not exist, types that do not fit. */
function explained(draft: Tool, error: unknown, version: number): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const said = `${error.message}${tooOldFor(error.code, version)}`;
  return new SignalboxError('TOOL_UNRESOLVED', `tool \`${draft.name}\`: ${said}`, {
    cause: error,
  });
}
