import type { ImagePlan } from './binding.ts';
import type { Statement, Token } from './parse.ts';
import type { WriteUse } from './shape.ts';

/** Names of the row before and after, that no statement is likely to use. */
const BEFORE = 'sbx_before';
const AFTER = 'sbx_after';

export interface Pictured {
  readonly write: WriteUse;
  /** `schema.name`, for people. */
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  /** Result columns of the statement itself. */
  readonly own: number;
  readonly fleeting: readonly string[];
  /** `xmin` may be read: an approval notices any change to the row. */
  readonly versioned: boolean;
  readonly parameterTypes: readonly string[];
}

/** How this write shows its rows; null when it cannot: nothing to show, or a RETURNING of its own kind. */
export function planImages(statement: Statement, pictured: Pictured): ImagePlan | null {
  const { write, columns, key, own, fleeting, table } = pictured;
  if (!write.top || !write.plainReturning || columns.length === 0) return null;
  return {
    table,
    columns,
    key,
    own,
    fleeting,
    current: currentText(statement, pictured),
    older: olderPlan(statement, pictured),
  };
}

/** `… RETURNING WITH (OLD AS b, NEW AS a) <own>, b.xmin, b.<columns>, a.<columns>` */
function currentText(statement: Statement, { columns, versioned }: Pictured): string {
  const shown = [
    versioned ? `${BEFORE}.xmin` : 'NULL',
    ...columns.map((column) => `${BEFORE}.${quoted(column)}`),
    ...columns.map((column) => `${AFTER}.${quoted(column)}`),
  ].join(', ');
  const names = `WITH (OLD AS ${BEFORE}, NEW AS ${AFTER})`;
  const returning = topLevel(statement.tokens, 'returning').at(-1);
  if (returning === undefined) return `${statement.text}\nRETURNING ${names} ${shown}`;
  const [head, tail] = cut(statement.text, returning.end);
  return `${head} ${names}${tail},\n${shown}`;
}

function olderPlan(statement: Statement, pictured: Pictured): ImagePlan['older'] {
  const { write, columns, key, versioned } = pictured;
  const { relation, verb } = write;
  const conflicts = topLevel(statement.tokens, 'conflict').length > 0;
  if (verb === 'merge' || (verb === 'insert' && conflicts)) return null;
  const row = quoted(relation.alias ?? relation.name);
  const list = columns.map((column) => `${row}.${quoted(column)}`).join(', ');
  const returning = topLevel(statement.tokens, 'returning').length > 0;
  const text = `${statement.text}${returning ? ',' : '\nRETURNING'} ${list}`;
  const version = versioned ? `${row}.xmin` : 'NULL';
  if (verb === 'delete') return { lock: null, text: `${text}, ${version}`, side: 'before' };
  if (verb === 'insert') return { lock: null, text, side: 'after' };
  const lock = key.length === 0 ? null : lockText(statement, row, `${list}, ${version}`, pictured);
  return lock === null ? null : { lock, text, side: 'after' };
}

/** The rows an UPDATE is about to change, read and locked by the same FROM and WHERE. */
function lockText(
  statement: Statement,
  row: string,
  list: string,
  { parameterTypes }: Pictured,
): string | null {
  const { tokens, text } = statement;
  const [update] = topLevel(tokens, 'update');
  const [set] = topLevel(tokens, 'set');
  // A WITH before it may write; twice is once too often.
  if (update === undefined || set === undefined || update !== tokens[0]) return null;
  const from = topLevel(tokens, 'from').find((token) => !isDistinctFrom(tokens, token));
  const where = topLevel(tokens, 'where').at(-1);
  const returning = topLevel(tokens, 'returning').at(-1);
  const target = slice(text, update.end, set.start);
  const tail = from ?? where;
  const end = returning?.start ?? Buffer.byteLength(text);
  const rest = tail === undefined ? '' : slice(text, tail.start, end);
  const joined = from === undefined ? ` ${rest}` : `, ${slice(rest, 4, Buffer.byteLength(rest))}`;
  // Names every parameter once: those of SET do not occur otherwise, and would have no type.
  const typed = parameterTypes.map((type, index) => `$${index + 1}::${type}`).join(', ');
  const parameters = typed === '' ? '' : `WITH sbx_parameters AS (SELECT ${typed}) `;
  return `${parameters}SELECT ${list} FROM${target}${joined}\nFOR UPDATE OF ${row}`;
}

function isDistinctFrom(tokens: readonly Token[], from: Token): boolean {
  return tokens[tokens.indexOf(from) - 1]?.text.toLowerCase() === 'distinct';
}

function topLevel(tokens: readonly Token[], word: string): Token[] {
  return tokens.filter(({ text, depth }) => depth === 0 && text.toLowerCase() === word);
}

function cut(text: string, at: number): [string, string] {
  return [slice(text, 0, at), slice(text, at, Buffer.byteLength(text))];
}

function slice(text: string, start: number, end: number): string {
  return Buffer.from(text).subarray(start, end).toString();
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
