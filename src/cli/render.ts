import { plain } from '../surfaces/admin/reveal.ts';
import type { Io } from './io.ts';

/** Colours for people at a terminal; each returns the text unchanged anywhere else. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

export function styleFor(io: Io): Style {
  const colour = io.out.terminal && (io.env.NO_COLOR ?? '') === '' && io.env.TERM !== 'dumb';
  const ink = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { strong: ink(1, 22), dim: ink(2, 22), good: ink(32, 39), bad: ink(31, 39) };
}

/** Columns as wide as their widest cell, two spaces apart. Cells are made plain: no cell can move the cursor. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  style: Style,
): string {
  const cells = rows.map((row) => row.map((cell) => plain(String(cell))));
  const widths = headings.map((heading, column) =>
    Math.max(width(heading), ...cells.map((row) => width(row[column] ?? ''))),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd();
  return [style.dim(line(headings)), ...cells.map(line)].join('\n');
}

/** `name  value` lines; entries without a value are left out. */
export function fields(
  entries: readonly (readonly [name: string, value: string | number | null | undefined])[],
  style: Style,
): string {
  const shown = entries.filter(([, value]) => value !== null && value !== undefined);
  const wide = Math.max(0, ...shown.map(([name]) => width(name)));
  return shown
    .map(([name, value]) => {
      const lines = plain(String(value), true).split('\n');
      const indent = ' '.repeat(wide + 2);
      return `${style.dim(name.padEnd(wide))}  ${lines.join(`\n${indent}`)}`;
    })
    .join('\n');
}

/** Terminal cells a text takes, near enough for the scripts we align: wide East Asian characters take two. */
function width(text: string): number {
  let cells = 0;
  for (const character of text)
    cells +=
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u{1F300}-\u{1FAFF}]/u.test(
        character,
      )
        ? 2
        : /\p{M}/u.test(character)
          ? 0
          : 1;
  return cells;
}

/** `2026-11-22 17:06:01Z`. */
export function moment(at: number): string {
  return new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}

/** `4 ms`, `1.2 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 86_400_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** `in 59 min`, `3 min ago`, `now`. */
export function relative(at: number, now: number): string {
  if (Math.abs(at - now) < 1_000) return 'now';
  return at >= now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
