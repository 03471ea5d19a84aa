import pg from 'pg';
import { SignalboxError } from '../../domain/errors.ts';
import type { AdminClient } from './admin.ts';
import type { ImagePlan, ToolFunction } from './binding.ts';
import { typeNames } from './catalogue.ts';
import { describe } from './describe.ts';
import type { Field } from './exchange.ts';
import { CATALOGUE_PATH, SEARCH_PATH } from './login.ts';
import { PG17, PG18, versionOf } from './server-needs.ts';
import { forbidden, type Shape } from './shape.ts';
import { createText, FUNCTION_SCHEMA, SEAL } from './tool-function.ts';

export interface Enforced {
  readonly function: ToolFunction;
  /** How the function shows the rows that it changes; null: it does not. */
  readonly imagePlan: ImagePlan | null;
}

interface Wanted {
  readonly shape: Shape;
  /** It writes, by itself or by a function that it calls. */
  readonly writes: boolean;
  readonly text: string;
  readonly parameterTypes: readonly string[];
  /** Result columns of the statement itself. */
  readonly columns: readonly Field[];
  readonly imagePlan: ImagePlan | null;
  /** Rows that a read may give at most. */
  readonly maxRows: number;
}

/**
 * The function that holds this statement, made once in the temporary schema to be sealed in the server's own words. Throws
 * TOOL_FORBIDDEN for a statement that no function can hold, TOOL_UNRESOLVED where the broker has no schema for it.
 */
export async function enforcedBy(client: AdminClient, wanted: Wanted): Promise<Enforced> {
  await checkSchema(client);
  const shown = await shownBy(client, wanted);
  const made: Omit<ToolFunction, 'seal'> = {
    arguments: wanted.parameterTypes,
    columns: await columnsOf(client, shown.text, wanted.columns),
    stable: !wanted.writes,
    body: shown.text,
  };
  return { function: { ...made, seal: await sealOf(client, made) }, imagePlan: shown.imagePlan };
}

async function shownBy(
  client: AdminClient,
  { shape, writes, text, columns, imagePlan, maxRows }: Wanted,
): Promise<{ readonly text: string; readonly imagePlan: ImagePlan | null }> {
  if (!writes)
    return { text: `SELECT * FROM (${text}\n) AS sbx_rows LIMIT ${maxRows}`, imagePlan: null };
  const version = await versionOf(client);
  const { current = null, older = null } = imagePlan ?? {};
  if (imagePlan !== null && version >= PG18 && current !== null)
    return { text: current, imagePlan: { ...imagePlan, older: null } };
  // reading and locking the rows first would be a second statement
  if (imagePlan !== null && older !== null && older.lock === null)
    return { text: older.text, imagePlan: { ...imagePlan, current: null } };
  if (columns.length > 0) return { text, imagePlan: null };
  if (shape.verb === 'select')
    throw forbidden('enforce: function', 'the statement has no result columns');
  if (shape.verb === 'merge' && version < PG17)
    throw forbidden('enforce: function', 'before PostgreSQL 17 a MERGE returns no rows');
  return { text: `${text}\nRETURNING true AS sbx_done`, imagePlan: null };
}

/** Own columns keep their names; those of images are counted. */
async function columnsOf(
  client: AdminClient,
  text: string,
  own: readonly Field[],
): Promise<ToolFunction['columns']> {
  const { columns } = await describe(client, text);
  const types = await typeNames(
    client,
    columns.map(({ type }) => type),
  );
  return columns.map((_, index) => ({
    name: own[index]?.name ?? `sbx_${index}`,
    type: types[index] ?? '',
  }));
}

async function sealOf(client: AdminClient, made: Omit<ToolFunction, 'seal'>): Promise<string> {
  try {
    await client.query(`SET LOCAL search_path = ${SEARCH_PATH}`);
    await client.query({
      text: createText('pg_temp.sbx_function', made),
      // the extended protocol takes one statement only, whatever the text says
      values: [],
      queryMode: 'extended',
    } as pg.QueryConfig);
    await client.query(`SET LOCAL search_path = ${CATALOGUE_PATH}`);
    const { rows } = await client.query<{ seal: string }>(
      `SELECT ${SEAL} AS seal FROM pg_proc p
       WHERE p.proname = 'sbx_function' AND p.pronamespace = pg_my_temp_schema()`,
    );
    await client.query('DROP FUNCTION pg_temp.sbx_function');
    return rows[0]?.seal ?? '';
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    throw forbidden('enforce: function', `no function holds this statement: ${error.message}`);
  }
}

async function checkSchema(client: AdminClient): Promise<void> {
  const { rows } = await client.query<{ usable: boolean }>(
    `SELECT coalesce((SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = $1),
       has_database_privilege(current_database(), 'CREATE')) AS usable`,
    [FUNCTION_SCHEMA],
  );
  if (rows[0]?.usable === true) return;
  throw new SignalboxError(
    'TOOL_UNRESOLVED',
    `\`enforce: function\` needs a schema \`${FUNCTION_SCHEMA}\` that the broker owns`,
    {
      help: `run \`CREATE SCHEMA ${FUNCTION_SCHEMA} AUTHORIZATION <broker>\` once in this database`,
    },
  );
}
