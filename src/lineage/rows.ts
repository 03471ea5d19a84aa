import { isJsonObject, type Json } from '../domain/json.ts';
import { LEAST_PROOF, loose } from './spelling.ts';

const MAX_CELLS = 20_000;
const MAX_DEPTH = 32;
/** Cells longer than so many words are prose, and found as that. */
const MAX_WORDS = 6;
/** So many characters of one row are no accident, in two cells at least. */
const LEAST_OF_ROW = 12;
const LEAST_CELLS = 2;

/**
 * The rows of a result by the words of their cells: two cells of one row together say who or what it is of, however short
 * each is. What stands in many rows says nothing.
 */
export class Rows {
  readonly #cells = new Map<string, number[]>();
  #count = 0;
  #held = 0;

  constructor(data: readonly Json[]) {
    for (const each of data) this.#walk(each, this.#count++, 0);
  }

  /** The cells of one row that a text holds, `words` being its words alone; what `said` holds the principal said. */
  sharedWith(words: readonly string[], said: string): readonly string[] | null {
    if (this.#cells.size === 0) return null;
    const byRow = new Map<number, Set<string>>();
    const most = Math.max(2, Math.floor(this.#count / 20));
    for (let at = 0; at < words.length; at++) {
      const cell = this.#longestAt(words, at);
      if (cell === null) continue;
      at += cell.split(' ').length - 1;
      const rows = this.#cells.get(cell) ?? [];
      if (rows.length > most || said.includes(cell)) continue;
      for (const row of rows) {
        const cells = byRow.get(row) ?? new Set();
        byRow.set(row, cells.add(cell));
        const characters = [...cells].reduce((sum, each) => sum + each.length, 0);
        if (cells.size >= LEAST_CELLS && characters >= LEAST_OF_ROW) return [...cells];
      }
    }
    return null;
  }

  #longestAt(words: readonly string[], at: number): string | null {
    let found: string | null = null;
    let text = '';
    for (let n = 0; n < MAX_WORDS && at + n < words.length; n++) {
      text += `${n === 0 ? '' : ' '}${words[at + n]}`;
      if (this.#cells.has(text)) found = text;
    }
    return found;
  }

  #walk(value: Json, row: number, depth: number): void {
    if (depth > MAX_DEPTH || this.#held >= MAX_CELLS) return;
    if (typeof value === 'string' || typeof value === 'number') this.#keep(String(value), row);
    else if (Array.isArray(value))
      for (const each of value as readonly Json[])
        this.#walk(
          each,
          isJsonObject(each) || Array.isArray(each) ? this.#count++ : row,
          depth + 1,
        );
    else if (isJsonObject(value))
      for (const inner of Object.values(value)) this.#walk(inner, row, depth + 1);
  }

  #keep(value: string, row: number): void {
    if (value.length > 200) return;
    const cell = loose(value);
    if (cell.length < LEAST_PROOF || cell.split(' ').length > MAX_WORDS) return;
    this.#held++;
    const rows = this.#cells.get(cell);
    if (rows === undefined) this.#cells.set(cell, [row]);
    else if (rows.at(-1) !== row) rows.push(row);
  }
}
