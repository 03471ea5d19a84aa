import { SignalboxError } from '../../domain/errors.ts';

/** One statement as SQLite's lexical rules read it; the engine itself would silently ignore a second one. */
export interface Statement {
  readonly text: string;
  /** Names of its `:name` parameters, in order of appearance. */
  readonly parameters: readonly string[];
}

const MAX_BYTES = 20_000;
const MAX_PARAMETERS = 100;
/** White space, comments, the four ways to quote, a parameter, a word or number, any other character. */
const TOKEN =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[:@$#?][\p{L}\p{N}_$]*|[\p{L}\p{N}_$]+|[\s\S]/gu;
/** Some statements, such as VACUUM, ask no authorizer. */
const VERBS: ReadonlySet<string> = new Set([
  'delete',
  'insert',
  'replace',
  'select',
  'update',
  'values',
  'with',
]);
const NAMED = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws TOOL_STATEMENT unless `sql` is exactly one statement with named parameters. */
export function parseStatement(sql: string): Statement {
  const bytes = Buffer.byteLength(sql);
  if (bytes > MAX_BYTES)
    throw fault(`expected a statement of at most ${MAX_BYTES} bytes, got ${bytes}`);
  if (sql.includes('\0') || !sql.isWellFormed())
    throw fault('the statement holds a character that SQL text cannot');
  const parameters = new Set<string>();
  let end = 0;
  let ended = false;
  let first = '';
  for (const { 0: token, index } of sql.matchAll(TOKEN)) {
    if (/^(?:\s|--|\/\*)/.test(token)) continue;
    if (token === ';') {
      ended = true;
      continue;
    }
    if (first === '') first = token.toLowerCase();
    if (ended) throw fault('expected one statement, got more');
    if (/^['"`[]$/.test(token)) throw fault('a string or name does not end');
    if (/^[@$#?]/.test(token) || (token.startsWith(':') && !NAMED.test(token)))
      throw fault(`expected named parameters such as \`:id\`, got \`${token}\``);
    if (token.startsWith(':')) parameters.add(token.slice(1));
    end = index + token.length;
  }
  if (end === 0) throw fault('expected one statement, got none');
  if (!VERBS.has(first)) throw fault('expected a SELECT, INSERT, UPDATE or DELETE');
  if (parameters.size > MAX_PARAMETERS)
    throw fault(`expected at most ${MAX_PARAMETERS} parameters, got ${parameters.size}`);
  return { text: sql.slice(0, end), parameters: [...parameters] };
}

function fault(message: string): SignalboxError {
  return new SignalboxError('TOOL_STATEMENT', message);
}
