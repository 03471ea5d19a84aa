import type { JsonObject } from '../../domain/json.ts';
import { canonical } from '../../domain/json.ts';
import type { RowImage } from '../../domain/proposal.ts';
import type { ImagePlan } from './binding.ts';
import type { Answer } from './exchange.ts';
import type { Pictures } from './measure.ts';
import { decodeRow } from './values.ts';

type Picture = RowImage & { readonly version: string | null };

/** PostgreSQL 18: own columns, version, before, after. */
export function currentPictures(plan: ImagePlan, answer: Answer): Pictures {
  const width = plan.columns.length;
  const fields = answer.fields.slice(plan.own + 1 + width).map(({ type }, index) => ({
    name: plan.columns[index] ?? '',
    type,
  }));
  const images = answer.rows.map((row): Picture => {
    const before = row.slice(plan.own + 1, plan.own + 1 + width);
    const after = row.slice(plan.own + 1 + width);
    return {
      table: plan.table,
      before: isAbsent(before) && row[plan.own] === null ? null : decodeRow(fields, before),
      after: isAbsent(after) ? null : decodeRow(fields, after),
      version: row[plan.own] ?? null,
    };
  });
  return { images, whole: answer.tag !== null, fleeting: plan.fleeting };
}

/** PostgreSQL 14 to 17: rows read and locked before, rows returned after, paired by their key. */
export function olderPictures(
  plan: ImagePlan,
  older: NonNullable<ImagePlan['older']>,
  locked: Answer | null,
  answer: Answer,
): Pictures {
  const named = (source: Answer, from: number): Picture[] => {
    const width = plan.columns.length;
    const fields = source.fields
      .slice(from, from + width)
      .map(({ type }, index) => ({ name: plan.columns[index] ?? '', type }));
    return source.rows.map((row) => ({
      table: plan.table,
      before: decodeRow(fields, row, from),
      after: null,
      version: row[from + width] ?? null,
    }));
  };
  const returned = named(answer, plan.own);
  const whole = answer.tag !== null && locked?.tag !== null;
  if (locked === null) {
    const images = returned.map((image) =>
      older.side === 'before' ? image : { ...image, before: null, after: image.before },
    );
    return { images, whole, fleeting: plan.fleeting };
  }
  const keyed = new Map(named(locked, 0).map((image) => [keyOf(plan, image.before), image]));
  const images = returned.map(({ before: after, table }) => {
    const was = keyed.get(keyOf(plan, after));
    return { table, before: was?.before ?? null, after, version: was?.version ?? null };
  });
  const paired = images.every(({ before }) => before !== null);
  return { images, whole: whole && paired, fleeting: plan.fleeting };
}

function keyOf({ key }: ImagePlan, row: JsonObject | null): string {
  return canonical(key.map((name) => row?.[name] ?? null));
}

/** A row that is not there has only NULLs; one with a key never has. */
function isAbsent(values: readonly (string | null)[]): boolean {
  return values.every((value) => value === null);
}
