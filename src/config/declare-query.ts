import type { JsonObject } from '../domain/json.ts';
import { members } from './meaning.ts';
import { QUERY_COST, QUERY_ROWS } from './schema-query.ts';

/** What agents are shown of a guarded query. */
export function queryInput({ tables }: JsonObject): JsonObject {
  const told = Object.entries(members(tables)).map(
    ([name, columns]) =>
      `${name.split('.').at(-1)} (${Array.isArray(columns) ? columns.join(', ') : ''})`,
  );
  return {
    type: 'object',
    properties: {
      sql: {
        type: 'string',
        minLength: 1,
        maxLength: 10_000,
        description: `One SELECT of PostgreSQL over: ${told.join('; ')}`,
      },
    },
    required: ['sql'],
    additionalProperties: false,
  };
}

export function queryBinding({ tables, maxCost, maxRows }: JsonObject): JsonObject {
  return {
    query: {
      tables: members(tables),
      maxCost: maxCost ?? QUERY_COST,
      maxRows: maxRows ?? QUERY_ROWS,
    },
  };
}
