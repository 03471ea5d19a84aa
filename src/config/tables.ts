import type { Connection } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/**
 * Where a statement acts when that is stricter than its connection says: a table of a test database that counts as
 * production. Names are `schema.table` or `schema.*`. It only raises: nothing for a connection that is production itself.
 */
export function stricterEnvironment(
  { environment, settings }: Connection,
  binding: JsonObject,
): { environment?: string } {
  const strict = Array.isArray(settings.productionTables)
    ? settings.productionTables.map(String)
    : [];
  if (environment === 'production' || strict.length === 0) return {};
  const touched = Array.isArray(binding.tables) ? (binding.tables as Json[]) : null;
  // a statement whose tables are not known may touch any
  if (touched === null) return { environment: 'production' };
  return touched.some((table) => counts(table, strict)) ? { environment: 'production' } : {};
}

function counts(table: Json, strict: readonly string[]): boolean {
  if (!isJsonObject(table)) return true;
  const { schema = 'public', name } = table;
  return (
    strict.includes(`${String(schema)}.${String(name)}`) || strict.includes(`${String(schema)}.*`)
  );
}
