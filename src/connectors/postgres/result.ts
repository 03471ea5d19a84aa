import type { JsonObject } from '../../domain/json.ts';
import type { ToolResult } from '../../domain/proposal.ts';
import type { Answer, Field, Row } from './exchange.ts';
import { decodeRow } from './values.ts';

export interface ResultCaps {
  readonly rows: number;
  readonly bytes: number;
}

/** What a result costs besides its rows: `{"rows":[],"rowCount":…}`. */
const FRAME_BYTES = 64;

/**
 * Rows as JSON, cut at the caps; every cut is said. `own`: leading columns that belong to the tool's result;
 * `affected`: rows a write changed, which is then the row count.
 */
export function resultOf(
  answer: Answer,
  own: number,
  caps: ResultCaps,
  affected: number | null,
): { readonly result: ToolResult; readonly rowsRead: number } {
  const fields = answer.fields.slice(0, own);
  const available = own === 0 ? [] : answer.rows;
  const { rows, byBytes } = fit(fields, available, caps);
  const cut: string[] = [];
  if (byBytes)
    cut.push(`rows: ${rows.length} shown, the others exceed ${caps.bytes} bytes of result`);
  else if (rows.length < available.length)
    cut.push(`rows: the first ${rows.length} shown, there are more (cap ${caps.rows})`);
  const structured = { rows, rowCount: affected ?? rows.length };
  return {
    result: { text: JSON.stringify(structured), structured, cut },
    rowsRead: rows.length,
  };
}

function fit(
  fields: readonly Field[],
  available: readonly Row[],
  caps: ResultCaps,
): { rows: JsonObject[]; byBytes: boolean } {
  const rows: JsonObject[] = [];
  let bytes = FRAME_BYTES;
  for (const row of available.slice(0, caps.rows)) {
    const decoded = decodeRow(fields, row);
    bytes += Buffer.byteLength(JSON.stringify(decoded)) + 1;
    if (bytes > caps.bytes) return { rows, byBytes: true };
    rows.push(decoded);
  }
  return { rows, byBytes: false };
}
