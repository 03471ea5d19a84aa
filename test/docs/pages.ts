import { posix } from 'node:path';
import { readHouse, type Source } from '../tidy/source.ts';

/** A page and what a reader would follow in it. */
export interface Page {
  readonly path: string;
  readonly text: string;
  /** Cells of every table row, by the nearest heading above it. */
  readonly tables: ReadonlyMap<string, readonly (readonly string[])[]>;
  readonly anchors: ReadonlySet<string>;
  readonly links: readonly { readonly target: string; readonly line: number }[];
  /** Code spans and lines of code blocks. */
  readonly code: readonly { readonly text: string; readonly line: number }[];
}

export const house: readonly Source[] = readHouse();

/** Every file of the repository, and every folder that holds one. */
export const places: ReadonlySet<string> = new Set(
  house.flatMap(({ path }) => {
    const parts = path.split('/');
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  }),
);

export const pages: readonly Page[] = house
  .filter(({ path }) => path.endsWith('.md'))
  .map(({ path, text }) => pageOf(path, text));

export function page(path: string): Page {
  const found = pages.find((one) => one.path === path);
  if (found === undefined) throw new Error(`there is no page ${path}`);
  return found;
}

/** Rows of the table under a heading, without head and rule, each cell without its backticks. */
export function table(path: string, heading: string): readonly (readonly string[])[] {
  const rows = page(path).tables.get(heading);
  if (rows === undefined) throw new Error(`${path} has no table under "${heading}"`);
  return rows;
}

/** The path a link leads to from its page, and the anchor; null when it leads away. */
export function destination(from: string, target: string): { path: string; anchor: string } | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null;
  const [file = '', anchor = ''] = target.split('#');
  const path = file === '' ? from : posix.normalize(posix.join(posix.dirname(from), file));
  return { path: path.replace(/\/$/, ''), anchor };
}

export function pageOf(path: string, text: string): Page {
  const tables = new Map<string, string[][]>();
  const anchors = new Set<string>();
  const links: { target: string; line: number }[] = [];
  const code: { text: string; line: number }[] = [];
  let heading = '';
  let fence: string | null = null;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1;
    const opening = /^\s*(```+|~~~+)/.exec(raw)?.[1];
    if (opening !== undefined) fence = fence === null ? opening : null;
    else if (fence !== null) code.push({ text: raw, line });
    else {
      const title = /^#{1,6} (.+)$/.exec(raw)?.[1];
      if (title !== undefined) {
        heading = title;
        anchors.add(slug(title));
      }
      if (/^\|(?! ?:?-{3})/.test(raw)) rowsOf(tables, heading).push(cells(raw));
      for (const span of raw.matchAll(/`([^`]+)`/g)) code.push({ text: span[1] ?? '', line });
      const prose = raw.replaceAll(/`[^`]*`/g, (span) => ' '.repeat(span.length));
      for (const link of prose.matchAll(/\]\(([^)\s]+)\)/g))
        links.push({ target: link[1] ?? '', line });
      for (const link of raw.matchAll(/\[`[^`]*`\]\(([^)\s]+)\)/g))
        if (!links.some((known) => known.line === line && known.target === link[1]))
          links.push({ target: link[1] ?? '', line });
    }
  }
  for (const rows of tables.values()) rows.shift();
  return { path, text, tables, anchors, links, code };
}

function rowsOf(tables: Map<string, string[][]>, heading: string): string[][] {
  const rows = tables.get(heading) ?? [];
  tables.set(heading, rows);
  return rows;
}

function cells(row: string): string[] {
  return row
    .replaceAll('\\|', '\u0000')
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('\u0000', '|').trim());
}

/** As code hosts make them: lower case, spaces to hyphens, other signs gone. */
function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}
