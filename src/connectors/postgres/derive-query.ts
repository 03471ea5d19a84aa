import type { Tool } from '../../domain/bundle.ts';
import type { Derived } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { AdminClient } from './admin.ts';
import { type PostgresBinding, type QueryBounds, type QueryTable, toJson } from './binding.ts';
import { findRelations } from './catalogue.ts';
import { type Asked, deriveTool, fingerprintOf } from './derive.ts';
import { quoted } from './images.ts';

/** What the author wrote of a guarded query: tables as named there, with the columns agents may read. */
export interface QueryWish {
  readonly tables: readonly (readonly [name: string, columns: readonly string[]])[];
  readonly maxCost: number;
  readonly maxRows: number;
}

export function wantedOf({ name, binding }: Pick<Tool, 'name' | 'binding'>): QueryWish {
  const { query } = binding;
  const { tables, maxCost, maxRows } = isJsonObject(query) ? query : {};
  if (!isJsonObject(tables) || typeof maxCost !== 'number' || typeof maxRows !== 'number')
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `tool \`${name}\`: expected \`tables\` in \`query\``,
    );
  return {
    tables: Object.entries(tables).map(([table, columns]) => [
      table,
      Array.isArray(columns) ? columns.map(String) : [],
    ]),
    maxCost,
    maxRows,
  };
}

/**
 * Completes a guarded query: each table is derived as the fixed SELECT of its columns, with every rule of one. Runs inside
 * a transaction of `client` that the caller rolls back. Throws TOOL_STATEMENT, TOOL_FORBIDDEN or TOOL_UNRESOLVED.
 */
export async function deriveQuery(
  client: AdminClient,
  wish: QueryWish,
  asked: Asked,
): Promise<Derived> {
  const tables: QueryTable[] = [];
  const parts: Derived[] = [];
  for (const [written, columns] of wish.tables) {
    const table = await tableOf(client, written, columns);
    if (tables.some(({ name }) => name === table.name))
      throw new SignalboxError('TOOL_STATEMENT', `two tables are called \`${table.name}\``);
    tables.push(table);
    const sql = `SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(table.schema)}.${quoted(table.relation)}`;
    parts.push(await deriveTool(client, { sql, images: 'none' }, [], asked));
  }
  const bindings = parts.map(({ binding }) => binding as unknown as PostgresBinding);
  const [first] = bindings;
  if (first === undefined)
    throw new SignalboxError('TOOL_STATEMENT', 'expected at least one table in `query`');
  const watched = {
    relations: merged(bindings.flatMap(({ watched: { relations } }) => relations)),
    columns: bindings.flatMap(({ watched: { columns } }) => columns),
    functions: merged(bindings.flatMap(({ watched: { functions } }) => functions)),
    types: merged(bindings.flatMap(({ watched: { types } }) => types)),
  };
  const query: QueryBounds = { tables, maxCost: wish.maxCost, maxRows: wish.maxRows };
  await checkCasts(client, watched.columns);
  const binding: PostgresBinding = {
    ...first,
    sql: '',
    statement: '',
    parameters: [],
    columns: [],
    tables: bindings.flatMap((one) => one.tables),
    query,
    ...(asked.labelled ? { touches: touchedBy(bindings) } : {}),
    watched,
    fingerprint: await fingerprintOf(client, watched),
  };
  return {
    effect: 'read',
    recoveryPath: false,
    idempotent: true,
    binding: toJson(binding),
    derivation: [
      'SELECT of the agent’s own, READ ONLY and within bounds: read',
      ...parts.flatMap(({ derivation }) => derivation.slice(1)),
      `at most ${wish.maxRows} rows a step and a cost of ${wish.maxCost}, as the planner expects`,
      'rows are bound by no statement: every row of these tables that the role may see',
    ],
  };
}

function touchedBy(bindings: readonly PostgresBinding[]): NonNullable<PostgresBinding['touches']> {
  const each = bindings.flatMap(({ touches }) => touches ?? []);
  return {
    tables: [...new Set(each.flatMap(({ tables }) => tables))].sort(),
    all: each.every(({ all }) => all),
  };
}

async function tableOf(
  client: AdminClient,
  written: string,
  columns: readonly string[],
): Promise<QueryTable> {
  const [name = '', schema = null] = written.split('.').reverse();
  const [found] = await findRelations(client, [{ schema, name }]);
  if (found === null || found === undefined)
    throw new SignalboxError('TOOL_UNRESOLVED', `there is no table or view \`${written}\``);
  return { name, schema: found.schema, relation: found.name, columns };
}

/** A cast to a type that a query may name would run a function of this database, whatever the query looks like. */
async function checkCasts(
  client: AdminClient,
  columns: PostgresBinding['watched']['columns'],
): Promise<void> {
  const { rows } = await client.query<{ spoken: string }>(
    `SELECT format_type(k.castsource, NULL) || ' AS ' || format_type(k.casttarget, NULL) AS spoken
     FROM pg_cast k JOIN pg_proc p ON p.oid = k.castfunc
     JOIN pg_type s ON s.oid = k.castsource JOIN pg_type t ON t.oid = k.casttarget
     WHERE p.pronamespace <> 'pg_catalog'::regnamespace
       AND t.typnamespace = 'pg_catalog'::regnamespace
       AND (s.typnamespace = 'pg_catalog'::regnamespace OR s.oid IN (
         SELECT a.atttypid FROM unnest($1::oid[], $2::int2[]) AS u(relation, number)
         JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.number))
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
                       AND d.objid = p.oid AND d.deptype = 'e')
     ORDER BY 1 LIMIT 1`,
    [columns.map(([relation]) => relation), columns.map(([, number]) => number)],
  );
  const [first] = rows;
  if (first !== undefined)
    throw new SignalboxError(
      'TOOL_FORBIDDEN',
      `the cast \`${first.spoken}\` is not allowed: it runs a function of this database`,
    );
}

function merged(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
