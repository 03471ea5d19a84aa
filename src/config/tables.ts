import type { Connection } from '../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';

/**
 * Where a statement acts when that is not what its connection says, by the labels of the tables that it touches: names are
 * `schema.table` or `schema.*`, and a table without a label is where its connection is. One table in production is enough to
 * be there. What is below production needs every table that a call can reach to carry the same label.
 */
export function tableEnvironment(
  { environment, settings }: Connection,
  binding: JsonObject,
): { environment?: string } {
  const labels = labelsOf(settings);
  if (labels.size === 0) return {};
  const touched = touchedBy(binding);
  const found = new Set(touched.tables.map((table) => labelOf(table, labels) ?? environment));
  // a statement whose tables are not known may touch any
  const production =
    found.has('production') || (!touched.known && [...labels.values()].includes('production'));
  if (production) return environment === 'production' ? {} : { environment: 'production' };
  const [only] = found;
  if (!touched.all || found.size !== 1 || only === undefined || only === environment) return {};
  return { environment: only };
}

function labelsOf({ productionTables, tables }: JsonObject): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  if (isJsonObject(tables))
    for (const [name, label] of Object.entries(tables)) labels.set(name, String(label));
  if (Array.isArray(productionTables))
    for (const name of productionTables) labels.set(String(name), 'production');
  return labels;
}

/** The table's own label, else that of its schema; a schema that is production raises its tables all the same. */
function labelOf(table: string, labels: ReadonlyMap<string, string>): string | undefined {
  const whole = labels.get(`${table.slice(0, table.lastIndexOf('.'))}.*`);
  return whole === 'production' ? whole : (labels.get(table) ?? whole);
}

interface Touched {
  readonly tables: readonly string[];
  /** Its own tables are known. */
  readonly known: boolean;
  /** So is every table that a call can reach. */
  readonly all: boolean;
}

function touchedBy({ touches, tables }: JsonObject): Touched {
  if (isJsonObject(touches) && Array.isArray(touches.tables))
    return { tables: touches.tables.map(String), known: true, all: touches.all === true };
  if (!Array.isArray(tables)) return { tables: [], known: false, all: false };
  const named = (tables as Json[]).flatMap((table) =>
    isJsonObject(table) ? `${String(table.schema ?? 'public')}.${String(table.name)}` : [],
  );
  return { tables: named, known: named.length === tables.length, all: false };
}
