import { parse, type ScanToken, scan } from 'libpg-query';
import { SignalboxError } from '../../domain/errors.ts';

/** One statement as PostgreSQL's own grammar reads it. */
export interface Statement {
  /** With `$n` for every `:name`; without trailing semicolons and comments. */
  readonly text: string;
  /** Parameter names; the first is `$1`. */
  readonly parameters: readonly string[];
  /** The statement's node, wrapped by its kind: `{ SelectStmt: {…} }`. */
  readonly tree: SyntaxNode;
  readonly tokens: readonly Token[];
}

export type SyntaxNode = { readonly [kind: string]: unknown };

/** Offsets are in bytes of the UTF-8 text. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Parentheses and brackets around it. */
  readonly depth: number;
}

const MAX_BYTES = 20_000;
const MAX_PARAMETERS = 100;
/** The parser is recursive and lives on a small stack. */
const MAX_DEPTH = 100;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const COMMENTS = new Set(['SQL_COMMENT', 'C_COMMENT']);

/** Throws TOOL_STATEMENT unless `sql` is exactly one statement with named parameters. */
export async function parseStatement(sql: string): Promise<Statement> {
  const bytes = Buffer.byteLength(sql);
  if (bytes > MAX_BYTES)
    throw fault(`expected a statement of at most ${MAX_BYTES} bytes, got ${bytes}`);
  if (sql.includes('\0') || !sql.isWellFormed())
    throw fault('the statement holds a character that SQL text cannot');
  if (sql.trim() === '') throw fault('expected one statement, got none');
  const named = await scanned(sql);
  const { numbered, parameters } = numberParameters(Buffer.from(sql), named);
  const all = withDepth(await scanned(numbered));
  const last = all.findLastIndex(({ text }) => text !== ';');
  const tokens = all.slice(0, last + 1);
  const text = Buffer.from(numbered)
    .subarray(0, tokens.at(-1)?.end ?? 0)
    .toString();
  return { text, parameters, tokens, tree: await parsed(text, tokens.length) };
}

async function scanned(sql: string): Promise<ScanToken[]> {
  try {
    const { tokens } = await scan(sql);
    return tokens.filter(({ tokenName }) => !COMMENTS.has(tokenName));
  } catch {
    throw fault('the statement cannot be read: a string, name or comment does not end');
  }
}

async function parsed(text: string, tokens: number): Promise<SyntaxNode> {
  if (tokens === 0) throw fault('expected one statement, got none');
  let statements: readonly { stmt?: unknown }[];
  try {
    statements = (await parse(text)).stmts ?? [];
  } catch (error) {
    throw fault(`the statement cannot be parsed: ${said(error)}`);
  }
  const tree = statements[0]?.stmt;
  if (statements.length !== 1 || tree === undefined)
    throw fault(`expected one statement, got ${statements.length}`);
  return tree as SyntaxNode;
}

/** `:name` is a colon token directly followed by a word; strings, comments and `::` are other tokens. */
function numberParameters(
  source: Buffer,
  tokens: readonly ScanToken[],
): { numbered: string; parameters: string[] } {
  const parameters: string[] = [];
  const parts: string[] = [];
  let copied = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.tokenName === 'PARAM')
      throw fault(`expected named parameters such as \`:id\`, got \`${token.text}\``);
    const name = tokens[index + 1];
    if (token.text !== ':' || name?.start !== token.end || !NAME.test(name.text)) continue;
    if (!parameters.includes(name.text)) parameters.push(name.text);
    const before = source.subarray(copied, token.start).toString();
    // Without a space `limit:n` would become the identifier `limit$1`.
    const gap = /[\s(,=]$/.test(before) ? '' : ' ';
    parts.push(`${before}${gap}$${parameters.indexOf(name.text) + 1}`);
    copied = name.end;
  }
  if (parameters.length > MAX_PARAMETERS)
    throw fault(`expected at most ${MAX_PARAMETERS} parameters, got ${parameters.length}`);
  parts.push(source.subarray(copied).toString());
  return { numbered: parts.join(''), parameters };
}

function withDepth(tokens: readonly ScanToken[]): Token[] {
  let depth = 0;
  return tokens.map(({ start, end, text }) => {
    if (text === ')' || text === ']') depth--;
    const token = { start, end, text, depth };
    if (text === '(' || text === '[') depth++;
    if (depth > MAX_DEPTH) throw fault(`expected at most ${MAX_DEPTH} nested parentheses`);
    return token;
  });
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function fault(message: string): SignalboxError {
  return new SignalboxError('TOOL_STATEMENT', message);
}
