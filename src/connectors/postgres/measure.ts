import { ConnectorFailure } from '../../domain/connector.ts';
import { digestOf } from '../../domain/digest.ts';
import { effectVector } from '../../domain/effect.ts';
import type { JsonObject } from '../../domain/json.ts';
import { canonical } from '../../domain/json.ts';
import type { Measured, RowImage } from '../../domain/proposal.ts';
import type { Answer, Prepared } from './exchange.ts';

type TableCount = Measured['byTable'][number];

/** Images of a preview, for a human; the digest covers all that were fetched. */
export const IMAGES_SHOWN = 100;
/** Images of what was done, kept with its record: an undo needs every row. */
const IMAGES_KEPT = 2_000;
const IMAGE_BYTES = 1024 * 1024;
/** Rows fetched for images and their digest, at most. */
export const IMAGES_FETCHED = 20_000;

/**
 * The transaction's own statistics of every relation, as one JSON text, read before and after the statement: the
 * difference is its effect, cascades and triggers included. System catalogues are counted too, because DDL and
 * TRUNCATE of a trigger show nowhere else. `$1` lock timeout, `$2` statement timeout, `$3` search path, all for this
 * transaction.
 */
const COUNTS = `
  (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(n.nspname, c.relname, k.i, k.u, k.d))
   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   CROSS JOIN LATERAL (SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS i,
     pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS u,
     pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS d OFFSET 0) k
   WHERE c.relkind IN ('r', 'm') AND k.i + k.u + k.d > 0)`;

export const BASELINE: Prepared = {
  name: 'sbx_baseline',
  text: `SELECT pg_catalog.current_setting('track_counts'),
    pg_catalog.set_config('lock_timeout', $1::text, true),
    pg_catalog.set_config('statement_timeout', $2::text, true), ${COUNTS},
    pg_catalog.set_config('search_path', $3::text, true)`,
};

/** Back to where the statement's names are looked up. */
export const PATH: Prepared = {
  name: 'sbx_write_path',
  text: `SELECT pg_catalog.set_config('search_path', $1::text, true)`,
};

export const MEASURE: Prepared = {
  name: 'sbx_measure',
  text: `SELECT pg_catalog.current_setting('track_counts'),
    pg_catalog.pg_current_xact_id()::text, pg_catalog.current_database(), ${COUNTS}`,
};

/** Constraint triggers that wait for COMMIT would act after the measurement: they act now. */
export const DEFERRED_NOW: Prepared = {
  name: 'sbx_deferred_now',
  text: 'SET CONSTRAINTS ALL IMMEDIATE',
};

/** Rows per table between two readings. Throws CONNECTOR_UNMEASURED when the server does not count, or counts DDL. */
export function countsBetween(baseline: Answer, measure: Answer): TableCount[] {
  const [before] = baseline.rows;
  const [after] = measure.rows;
  if (before?.[0] !== 'on' || after?.[0] !== 'on')
    throw unmeasured('the database does not count rows (`track_counts` is off)');
  const start = countsOf(before[3] ?? null);
  const counts: TableCount[] = [];
  for (const [table, { inserted, updated, deleted }] of countsOf(after[3] ?? null)) {
    const was = start.get(table);
    const count = {
      table,
      inserted: inserted - (was?.inserted ?? 0),
      updated: updated - (was?.updated ?? 0),
      deleted: deleted - (was?.deleted ?? 0),
    };
    if (count.inserted + count.updated + count.deleted === 0) continue;
    if (/^(pg_catalog|information_schema)\./.test(table))
      throw unmeasured(`a trigger changed the structure of the database (\`${table}\`)`);
    if (!table.startsWith('pg_toast.')) counts.push(count);
  }
  return counts.sort((a, b) => (a.table < b.table ? -1 : 1));
}

function countsOf(json: string | null): Map<string, Omit<TableCount, 'table'>> {
  const lines = JSON.parse(json ?? '[]') as [string, string, number, number, number][];
  return new Map(
    lines.map(([schema, name, inserted, updated, deleted]) => [
      `${schema}.${name}`,
      { inserted, updated, deleted },
    ]),
  );
}

/** Rows of the write's own table before and after. `whole`: none was left out for their number. */
export interface Pictures {
  readonly images: readonly (RowImage & { readonly version: string | null })[];
  readonly whole: boolean;
  /** Columns whose new values no approval is bound to. */
  readonly fleeting: readonly string[];
}

export function measuredWrite(
  byTable: readonly TableCount[],
  pictures: Pictures | null,
  rowsRead: number,
  purpose: 'execute' | 'preview',
): Measured {
  const written = sum(byTable, (count) => count.inserted + count.updated);
  const deleted = sum(byTable, (count) => count.deleted);
  const sorted = (pictures?.images ?? [])
    .map((image) => ({ image, key: canonical([image.before, image.after]) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ image }) => image);
  const whole = pictures?.whole === true && sorted.length === written + deleted;
  const images = kept(sorted, purpose);
  return {
    effect: effectVector({ calls: 1, rowsRead, rowsWritten: written, rowsDeleted: deleted }),
    byTable,
    images,
    imagesComplete: whole && sorted.length === images.length,
    // Which of too many rows were fetched is chance: then only their numbers count.
    preState: preStateOf(byTable, pictures?.whole === true ? sorted : [], pictures?.fleeting ?? []),
  };
}

function kept(sorted: Pictures['images'], purpose: 'execute' | 'preview'): RowImage[] {
  const images: RowImage[] = [];
  let bytes = 0;
  for (const { table, before, after } of sorted) {
    if (images.length >= (purpose === 'preview' ? IMAGES_SHOWN : IMAGES_KEPT)) break;
    const image = { table, before, after };
    // what a human is shown is few; what is kept is held to a size as well
    bytes += images.length < IMAGES_SHOWN ? 0 : JSON.stringify(image).length;
    if (bytes > IMAGE_BYTES) break;
    images.push(image);
  }
  return images;
}

/** The rows as they were, with their versions, as they would be, and how many rows each table would lose or change. */
function preStateOf(
  byTable: readonly TableCount[],
  images: Pictures['images'],
  fleeting: readonly string[],
): string {
  const lasting = (row: JsonObject | null): JsonObject | null =>
    row === null
      ? null
      : Object.fromEntries(Object.entries(row).filter(([name]) => !fleeting.includes(name)));
  const rows = images
    .map(({ before, version, after }) => canonical([before, version, lasting(after)]))
    .sort();
  return digestOf('pre-state', { counts: byTable, rows });
}

function sum(counts: readonly TableCount[], of: (count: TableCount) => number): number {
  return counts.reduce((total, count) => total + of(count), 0);
}

function unmeasured(why: string): ConnectorFailure {
  return new ConnectorFailure('CONNECTOR_UNMEASURED', why, 'none');
}
