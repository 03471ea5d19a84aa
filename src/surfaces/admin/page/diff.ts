import { canonical, type Json, type JsonObject } from '../../../domain/json.ts';
import type { Measured, RowImage } from '../../../domain/proposal.ts';
import { type Html, html } from '../html.ts';
import { plural, shown } from './words.ts';

/** What a cancelled flight measured: counts by table as the target gave them, then the rows before and after. */
export function measuredDiff(measured: Measured, most: number, all: string): Html {
  const tables = [...new Set(measured.images.map(({ table }) => table))];
  const left = measured.images.length - most;
  const images = measured.images.slice(0, most);
  return html`${counts(measured)}
${tables.map((table) =>
  tableDiff(
    table,
    images.filter((image) => image.table === table),
  ),
)}
${left > 0 ? html`<p><strong>${plural(left, 'more row')} not shown here.</strong> <a href="${all}">Show every row</a></p>` : null}
${completeness(measured)}`;
}

function counts(measured: Measured): Html {
  if (measured.byTable.length === 0)
    return html`<p>The target counted no inserted, updated or deleted row.</p>`;
  return html`<div class="scroll"><table>
<caption>Rows by table, counted by the target itself; cascades and triggers included</caption>
<thead><tr><th scope="col">Table</th><th scope="col" class="number">Inserted</th><th scope="col" class="number">Updated</th><th scope="col" class="number">Deleted</th></tr></thead>
<tbody>${measured.byTable.map(
    (row) => html`<tr><th scope="row"><code>${shown(row.table)}</code></th>
<td class="number">${row.inserted}</td><td class="number">${row.updated}</td><td class="number">${row.deleted}</td></tr>`,
  )}</tbody></table></div>`;
}

function completeness({ images, imagesComplete }: Measured): Html {
  if (imagesComplete)
    return html`<p class="quiet">The rows shown are all that would change (${plural(images.length, 'row')}).</p>`;
  return html`<p class="alert warned"><strong>The effect is not fully captured:</strong> the target counts more changed
rows than the images show. Judge by the counts above.</p>`;
}

function tableDiff(table: string, images: readonly RowImage[]): Html | null {
  if (images.length === 0) return null;
  const columns = [
    ...new Set(images.flatMap(({ before, after }) => Object.keys({ ...before, ...after }))),
  ];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Rows of ${table}"><table class="diff">
<caption>Rows of <code>${shown(table)}</code>, before → after</caption>
<thead><tr><th scope="col">Change</th>${columns.map((column) => html`<th scope="col">${shown(column)}</th>`)}</tr></thead>
<tbody>${images.map((image) => row(image, columns))}</tbody></table></div>`;
}

function row({ before, after }: RowImage, columns: readonly string[]): Html {
  const change = before === null ? 'insert' : after === null ? 'delete' : 'update';
  return html`<tr><th scope="row">${change}</th>${columns.map(
    (column) => html`<td>${cell(before, after, column)}</td>`,
  )}</tr>`;
}

function cell(before: JsonObject | null, after: JsonObject | null, column: string): Html {
  const was = member(before, column);
  const will = member(after, column);
  if (before === null) return html`<ins>${value(will)}</ins>`;
  if (after === null) return html`<del>${value(was)}</del>`;
  if (same(was, will)) return value(was);
  return html`<del>${value(was)}</del> <span class="quiet" aria-hidden="true">→</span> <ins>${value(will)}</ins>`;
}

function member(row: JsonObject | null, column: string): Json | undefined {
  return row !== null && Object.hasOwn(row, column) ? row[column] : undefined;
}

function same(a: Json | undefined, b: Json | undefined): boolean {
  return a === undefined || b === undefined ? a === b : canonical(a) === canonical(b);
}

/** Texts in quotes, so that an empty one, `null` and the text "null" all look different. */
function value(value: Json | undefined): Html {
  if (value === undefined) return html`<span class="quiet">absent</span>`;
  if (value === null) return html`<span class="quiet">null</span>`;
  return shown(typeof value === 'string' ? JSON.stringify(value) : canonical(value));
}
