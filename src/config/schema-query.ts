import type { JsonObject } from '../domain/json.ts';
import { NAME } from './names.ts';
import { closed, count, ref, table, text } from './schema-parts.ts';

const TABLE = '^[A-Za-z_][A-Za-z0-9_$]{0,62}(?:\\.[A-Za-z_][A-Za-z0-9_$]{0,62})?$';

/** What a guarded query may be said to take; the usual bounds end what would keep a server busy for seconds. */
export const QUERY_COST = 50_000;
export const QUERY_ROWS = 500_000;

/** Definitions of the schema for tools whose statement is the agent's own. `bounds`: what every tool has. */
export function queryDefinitions(bounds: JsonObject): JsonObject {
  return {
    queryTool: closed(
      'A guarded query: the agent writes the SELECT, within what stands here',
      ['connection', 'description', 'query'],
      {
        connection: text('Name of the connection it works on', { pattern: NAME }),
        description: text('What the agent reads about it'),
        query: ref('query'),
        ...bounds,
      },
    ),
    query: closed('What the agent’s own SELECT may read, and how dear it may be', ['tables'], {
      tables: {
        ...table('Tables or views, each with the columns that may be named', TABLE, 50, {
          type: 'array',
          minItems: 1,
          maxItems: 200,
          uniqueItems: true,
          items: text('Name of a column', { maxLength: 63 }),
        }),
        minProperties: 1,
      },
      maxCost: count('The planner’s cost, at most', { minimum: 1, default: QUERY_COST }),
      maxRows: count('Rows that any step of the plan is expected to go through, at most', {
        minimum: 1,
        default: QUERY_ROWS,
      }),
    }),
  };
}
