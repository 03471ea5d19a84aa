import { digestOf } from '../../domain/digest.ts';
import { effectVector } from '../../domain/effect.ts';
import { canonical, type Json, type JsonObject } from '../../domain/json.ts';
import type { Measured, RowImage, ToolResult } from '../../domain/proposal.ts';
import type { SqliteBinding } from './binding.ts';
import { decode } from './values.ts';
import type { Change, Ran } from './wire.ts';

/** Images kept with the record of an action. */
const IMAGES_KEPT = 100;
/** What a result costs besides its rows. */
const FRAME_BYTES = 64;

export interface ResultCaps {
  readonly rows: number;
  readonly bytes: number;
}

/** Rows as JSON, cut at the caps; every cut is said. */
export function resultOf(
  ran: Ran,
  caps: ResultCaps,
  affected: number | null,
): { readonly result: ToolResult; readonly rowsRead: number } {
  const rows: JsonObject[] = [];
  let bytes = FRAME_BYTES;
  let byBytes = false;
  for (const row of ran.rows.slice(0, caps.rows)) {
    const decoded = Object.fromEntries(ran.columns.map((name) => [name, decode(row[name])]));
    bytes += Buffer.byteLength(JSON.stringify(decoded)) + 1;
    if (bytes > caps.bytes) {
      byBytes = true;
      break;
    }
    rows.push(decoded);
  }
  const cut = byBytes
    ? [`rows: ${rows.length} shown, the others exceed ${caps.bytes} bytes of result`]
    : ran.more || ran.rows.length > rows.length
      ? [`rows: the first ${rows.length} shown, there are more (cap ${caps.rows})`]
      : [];
  const structured = { rows, rowCount: affected ?? rows.length };
  const result = { text: JSON.stringify(structured), structured, cut };
  return { result, rowsRead: rows.length };
}

/**
 * SQLite counts rows as they are changed; its session says which, net, and only of tables with a primary key. What it does
 * not account for counts as written, and as deleted where the statement can delete.
 */
export function measuredWrite(binding: SqliteBinding, ran: Ran, rowsRead: number): Measured {
  const counts = new Map<string, { inserted: number; updated: number; deleted: number }>();
  for (const { table, verb } of ran.changes) {
    const count = counts.get(table) ?? { inserted: 0, updated: 0, deleted: 0 };
    if (verb === 'insert') count.inserted++;
    else if (verb === 'update') count.updated++;
    else count.deleted++;
    counts.set(table, count);
  }
  const hidden = Math.max(0, ran.changed - ran.changes.length);
  const of = (verb: Change['verb']): number =>
    ran.changes.filter((change) => change.verb === verb).length;
  const images = binding.images === 'none' ? [] : imagesOf(binding, ran.changes);
  const byTable = [...counts]
    .map(([table, count]) => ({ table, ...count }))
    .sort((a, b) => (a.table < b.table ? -1 : 1));
  return {
    effect: effectVector({
      calls: 1,
      rowsRead,
      rowsWritten: of('insert') + of('update') + hidden,
      rowsDeleted: of('delete') + (binding.deletes ? hidden : 0),
    }),
    byTable,
    images: images.slice(0, IMAGES_KEPT),
    imagesComplete:
      hidden === 0 && images.length === ran.changes.length && images.length <= IMAGES_KEPT,
    preState: digestOf('pre-state', {
      counts: byTable,
      hidden,
      rows: ran.changes.map((change) => canonical(whole(change) as unknown as Json)).sort(),
    }),
  };
}

/** `row`: all columns. `changed`: keys, what the statement names, and what an update changes. */
function imagesOf(binding: SqliteBinding, changes: readonly Change[]): RowImage[] {
  const named = new Set(
    binding.deeds
      .filter(({ what }) => what === 'READ' || what === 'UPDATE')
      .map(({ first, second }) => `${first}.${second}`),
  );
  return changes.map((change) => {
    const { table, before, after } = whole(change);
    const shown = change.columns.filter(
      ({ name, key }, index) =>
        key ||
        binding.images === 'row' ||
        named.has(`${table}.${name}`) ||
        (change.verb === 'update' && change.after?.[index] !== undefined),
    );
    const part = (row: JsonObject | null): JsonObject | null =>
      row === null ? null : Object.fromEntries(shown.map(({ name }) => [name, row[name] ?? null]));
    return { table, before: part(before), after: part(after) };
  });
}

/** An update says its key and what it changes: the key is the same after as before. */
function whole({ table, columns, before, after }: Change): RowImage {
  const named = (row: Change['before'], other: Change['before']): JsonObject | null =>
    row === null
      ? null
      : Object.fromEntries(
          columns.flatMap(({ name, key }, index): [string, Json][] => {
            const value = row[index] === undefined && key ? other?.[index] : row[index];
            return value === undefined ? [] : [[name, decode(value)]];
          }),
        );
  return { table, before: named(before, after), after: named(after, before) };
}
