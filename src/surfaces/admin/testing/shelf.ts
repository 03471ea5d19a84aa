import type { Call, Connector, Flight, ProbeAnswer } from '../../../domain/connector.ts';
import { digestOf } from '../../../domain/digest.ts';
import { effectVector } from '../../../domain/effect.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { Measured, RowImage } from '../../../domain/proposal.ts';

/** A target of rows that measures before it commits, as PostgreSQL does. `set` changes one cell, `wipe` deletes every row. */
export class Shelf implements Connector {
  readonly kind = 'shelf';
  rows: JsonObject[] = [];
  /** Says that more changes than its images show. */
  hides = false;
  /** False: cannot measure, as most HTTP targets cannot. */
  measures = true;
  /** Awaited before an effect; a test holds a call here. */
  gate: (call: Call) => Promise<void> = async () => {};

  async begin(call: Call): Promise<Flight> {
    const images = this.#images(call);
    const measured = this.#measured(call, images);
    return {
      measured: this.measures ? measured : null,
      trace: { call: call.actionId },
      finish: async () => {
        await this.gate(call);
        this.#commit(images);
        return { text: JSON.stringify({ rows: images.length }), cut: [] };
      },
      cancel: async () => {},
    };
  }

  async probe(): Promise<ProbeAnswer> {
    return 'unknown';
  }
  async release(): Promise<void> {}
  async close(): Promise<void> {}

  #images(call: Call): RowImage[] {
    if (call.tool.effect === 'read') return [];
    if (call.tool.effect === 'destroy')
      return this.rows.map((before) => ({ table: 'customers', before, after: null }));
    return this.rows
      .filter(({ id }) => id === call.arguments.id)
      .map((before) => ({
        table: 'customers',
        before,
        after: { ...before, name: call.arguments.name ?? null },
      }));
  }

  #measured(call: Call, images: readonly RowImage[]): Measured {
    const deleted = images.filter(({ after }) => after === null).length;
    const updated = images.length - deleted;
    return {
      effect: effectVector({
        rowsRead: call.tool.effect === 'read' ? this.rows.length : 0,
        rowsWritten: updated,
        rowsDeleted: deleted,
      }),
      byTable: images.length === 0 ? [] : [{ table: 'customers', inserted: 0, updated, deleted }],
      images,
      imagesComplete: !this.hides,
      preState: digestOf(
        'rows',
        images.map(({ before }) => before),
      ),
    };
  }

  #commit(images: readonly RowImage[]): void {
    for (const { before, after } of images)
      this.rows = this.rows.flatMap((row) =>
        row !== before ? [row] : after === null ? [] : [after],
      );
  }
}
