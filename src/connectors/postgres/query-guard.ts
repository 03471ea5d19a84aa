import { loadModule, parseSync, scanSync } from 'libpg-query';
import { SignalboxError } from '../../domain/errors.ts';
import type { QueryTable } from './binding.ts';
import { type Fields, isFields, list, text } from './fields.ts';
import { ALLOWED_TYPES, ALLOWED_VALUE_WORDS } from './functions.ts';
import { BARE_FIELDS, GIVEN_NAMES, QUERY_FUNCTIONS, QUERY_NODES } from './query-grammar.ts';

/*
 * An agent's own SELECT becomes the inside of a statement of ours:
 *
 *   WITH "customers" AS NOT MATERIALIZED (SELECT "id", "name" FROM "public"."customers")
 *   SELECT * FROM (<its query>) AS "sbx_query" LIMIT <cap + 1>
 *
 * Its tables are then names of ours that hold the allowed columns and nothing else: `*`, whole rows and system columns
 * reach no further, whatever the query does with them. What is left to check is that it is one SELECT, that every table it
 * names is one of ours, and that it calls, casts and compares by what is on the lists. Everything else is the server's:
 * READ ONLY, the minted role, time, and the cost it expects (query-cost.ts).
 */

export const MAX_QUERY_BYTES = 10_000;

const OWN_SCHEMA = 'pg_catalog';
const LEAVES: ReadonlySet<string> = new Set(['Boolean', 'Float', 'Integer', 'String']);

/** The query as it is sent. Throws QUERY_REFUSED. */
export function guardQuery(sql: string, tables: readonly QueryTable[], limit: number): string {
  const { inner, used } = guarded(sql, tables, true);
  const shown = tables.filter(({ name }) => used.has(name));
  const names = shown.map(
    ({ name, schema, relation, columns }) =>
      `${quoted(name)} AS NOT MATERIALIZED (SELECT ${columns.map(quoted).join(', ')} FROM ${quoted(schema)}.${quoted(relation)})`,
  );
  const with_ = names.length === 0 ? '' : `WITH ${names.join(', ')}\n`;
  // the line break ends a comment that the query may end with
  return `${with_}SELECT * FROM (\n${inner}\n) AS "sbx_query" LIMIT ${limit}`;
}

/** The parser is a module that has to be loaded once. */
export const guardReady: Promise<void> = loadModule();

function guarded(
  sql: string,
  tables: readonly QueryTable[],
  mayQualify: boolean,
): { inner: string; used: ReadonlySet<string> } {
  const bytes = Buffer.byteLength(sql);
  if (bytes > MAX_QUERY_BYTES)
    throw refused(`expected a query of at most ${MAX_QUERY_BYTES} bytes, got ${bytes}`);
  // the parser reads up to a NUL and the server does too, but nobody has agreed on what comes behind it
  if (sql.includes('\0') || !sql.isWellFormed())
    throw refused('the query holds a character that SQL text cannot');
  const { stmts = [] } = parsed(sql);
  const [only] = stmts;
  const tree = only?.stmt as Fields | undefined;
  if (only === undefined || tree === undefined || stmts.length !== 1)
    throw refused(`expected one SELECT, got ${stmts.length} statements`);
  const [kind = '', fields] = Object.entries(tree)[0] ?? [];
  if (kind !== 'SelectStmt') throw refused(`expected a SELECT, got ${spoken(kind)}`);
  const guard = new Guard(tables);
  guard.node(kind, fields as Fields);
  guard.checkAttributes();
  const start = only.stmt_location ?? 0;
  const length = only.stmt_len ?? 0;
  if (guard.qualified.length > 0) {
    if (!mayQualify) throw refused('a name with its schema stands where it cannot be read');
    return guarded(withoutSchemas(sql, guard.qualified), tables, false);
  }
  const source = Buffer.from(sql);
  const inner = source.subarray(start, length === 0 ? source.length : start + length).toString();
  return { inner, used: guard.used };
}

function parsed(sql: string): {
  stmts?: readonly { stmt?: unknown; stmt_location?: number; stmt_len?: number }[];
} {
  try {
    return parseSync(sql);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw refused(`the query cannot be parsed: ${said}`);
  }
}

/** `public.customers` → `customers`, which is then ours. By the scanner's own tokens; the result is read anew. */
function withoutSchemas(sql: string, places: readonly number[]): string {
  const { tokens } = scanSync(sql);
  const source = Buffer.from(sql);
  const parts: string[] = [];
  let copied = 0;
  for (const place of [...places].sort((a, b) => a - b)) {
    const at = tokens.findIndex(({ start }) => start === place);
    const words = tokens.slice(at).filter(({ tokenName }) => !tokenName.endsWith('COMMENT'));
    const [, dot, name] = words;
    if (at < 0 || dot?.text !== '.' || name === undefined)
      throw refused('a name with its schema stands where it cannot be read');
    parts.push(source.subarray(copied, place).toString());
    copied = name.start;
  }
  parts.push(source.subarray(copied).toString());
  return parts.join('');
}

class Guard {
  readonly used = new Set<string>();
  /** Where tables are named with their schema, in bytes. */
  readonly qualified: number[] = [];
  readonly #tables: ReadonlyMap<string, QueryTable>;
  /** Names that the query itself gives to what it makes, innermost last. */
  readonly #scopes: Set<string>[] = [];
  readonly #given = new Set<string>();
  readonly #attributes: string[] = [];

  constructor(tables: readonly QueryTable[]) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
    for (const { columns } of tables) for (const column of columns) this.#given.add(column);
  }

  node(kind: string, fields: Fields): void {
    const known = QUERY_NODES.get(kind);
    if (known === undefined) throw refused(`${spoken(kind)} is not part of a guarded query`);
    for (const field in fields)
      if (!known.has(field))
        throw refused(`${spokenField(kind, field)} is not part of a guarded query`);
    switch (kind) {
      case 'A_Const':
        return;
      case 'SelectStmt':
        this.#select(fields);
        return;
      case 'RangeVar':
        this.#relation(fields);
        break;
      case 'FuncCall':
        this.#call(fields);
        break;
      case 'ColumnRef':
        this.#column(fields);
        return;
      case 'TypeName':
        this.#type(fields);
        break;
      case 'SQLValueFunction':
        if (!ALLOWED_VALUE_WORDS.has(String(fields.op)))
          throw refused(
            `${String(fields.op).replace('SVFOP_', '')} names the login or the catalogue`,
          );
        return;
      case 'A_Expr':
        ownSchema(fields.name, 'operator');
        break;
      case 'SubLink':
        if (fields.operName !== undefined) ownSchema(fields.operName, 'operator');
        break;
      case 'CollateClause':
        ownSchema(fields.collname, 'collation');
        break;
      case 'ResTarget':
        this.#gives(fields.name);
        break;
      case 'ColumnDef':
        this.#gives(fields.colname);
        break;
      case 'Alias':
        this.#gives(fields.aliasname);
        for (const name of stringsOf(fields.colnames)) this.#gives(name);
        return;
    }
    this.#fields(fields);
  }

  /** `c.name` where `c` has no such column is a call of `name(c)`: then it must be a name that somebody gave. */
  checkAttributes(): void {
    for (const name of this.#attributes)
      if (!this.#given.has(name) && !GIVEN_NAMES.has(name))
        throw refused(`there is no column \`${name}\` here`, this.#help());
  }

  #fields(fields: Fields, skip?: string): void {
    for (const field in fields) if (field !== skip) this.#value(field, fields[field]);
  }

  #value(field: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.#value(field, item);
      return;
    }
    for (const kind in value) {
      const fields = (value as Fields)[kind];
      const bare = BARE_FIELDS.get(field);
      if (LEAVES.has(kind)) this.#leaf(field);
      else if (isFields(fields) && /^[A-Z]/.test(kind)) this.node(kind, fields);
      else if (bare !== undefined) this.node(bare, value as Fields);
      else throw refused(`\`${field}\` holds something unknown`);
      // a node has one kind
      return;
    }
  }

  /** `(x).name` calls the function `name` when `x` is no row. */
  #leaf(field: string): void {
    if (field === 'indirection')
      throw refused('a field of a value, `(x).y`, is not part of a guarded query');
  }

  /** What a WITH names is seen by what follows it in the same SELECT, and by nothing outside. */
  #select(fields: Fields): void {
    const with_ = fields.withClause;
    if (with_ === undefined) {
      this.#fields(fields);
      return;
    }
    const scope = new Set<string>();
    this.#scopes.push(scope);
    const known = QUERY_NODES.get('WithClause');
    for (const field in with_ as Fields)
      if (known?.has(field) !== true)
        throw refused(`WITH ${field.toUpperCase()} is not part of a guarded query`);
    for (const one of list((with_ as Fields).ctes)) {
      const cte = isFields(one) && isFields(one.CommonTableExpr) ? one.CommonTableExpr : {};
      this.node('CommonTableExpr', cte);
      for (const name of stringsOf(cte.aliascolnames)) this.#gives(name);
      this.#gives(cte.ctename);
      scope.add(String(cte.ctename));
    }
    this.#fields(fields, 'withClause');
    this.#scopes.pop();
  }

  #relation({ schemaname, relname, location }: Fields): void {
    const name = String(relname);
    if (schemaname === undefined) {
      if (this.#scopes.some((scope) => scope.has(name))) return;
      if (!this.#tables.has(name))
        throw refused(`\`${name}\` is no table of this tool`, this.#help());
      this.used.add(name);
      return;
    }
    const table = this.#tables.get(name);
    if (table === undefined || table.schema !== schemaname || table.relation !== name)
      throw refused(`\`${String(schemaname)}.${name}\` is no table of this tool`, this.#help());
    this.qualified.push(typeof location === 'number' ? location : 0);
  }

  #call(fields: Fields): void {
    const name = ownSchema(fields.funcname, 'function');
    if (!QUERY_FUNCTIONS.has(name))
      throw refused(`the function \`${name}\` is not on the list of harmless ones`);
    if (name === 'generate_series' && !list(fields.args).every(isConstant))
      throw refused('generate_series takes constants here, so that its length is known beforehand');
    this.#given.add(name);
  }

  #column(fields: Fields): void {
    const parts = list(fields.fields);
    if (parts.length > 2) throw refused('a column is named by itself or by its table’s alias');
    if (parts.length < 2) return;
    const [last] = parts.slice(-1);
    const name = isFields(last) && isFields(last.String) ? text(last.String.sval) : null;
    if (name !== null) this.#attributes.push(name);
  }

  #type(fields: Fields): void {
    const name = ownSchema(fields.names, 'type');
    if (!ALLOWED_TYPES.has(name))
      throw refused(`the type \`${name}\` is not on the list of harmless ones`);
    this.#given.add(name);
  }

  #gives(name: unknown): void {
    if (typeof name !== 'string') return;
    if (name.startsWith('pg_')) throw refused(`\`${name}\` looks like a name of PostgreSQL’s own`);
    this.#given.add(name);
  }

  #help(): string {
    const told = [...this.#tables.values()].map(
      ({ name, columns }) => `${name} (${columns.join(', ')})`,
    );
    return `it may read: ${told.join('; ')}`;
  }
}

/** The last part of a name that is PostgreSQL's own: without a schema, or of `pg_catalog`. */
function ownSchema(parts: unknown, what: string): string {
  const names = stringsOf(parts);
  const name = names.at(-1);
  if (name === undefined || names.length > 2 || (names.length === 2 && names[0] !== OWN_SCHEMA))
    throw refused(`the ${what} \`${names.join('.')}\` is not PostgreSQL’s own`);
  return name;
}

function stringsOf(value: unknown): string[] {
  return list(value).map((part) =>
    isFields(part) && isFields(part.String) ? (text(part.String.sval) ?? '') : '',
  );
}

function isConstant(node: unknown): boolean {
  if (!isFields(node)) return false;
  if (node.A_Const !== undefined) return true;
  if (isFields(node.TypeCast)) return isConstant(node.TypeCast.arg);
  const sign = isFields(node.A_Expr) ? node.A_Expr : {};
  return sign.lexpr === undefined && sign.rexpr !== undefined && isConstant(sign.rexpr);
}

export function refused(message: string, help?: string): SignalboxError {
  return new SignalboxError('QUERY_REFUSED', message, help === undefined ? {} : { help });
}

const SPOKEN: { readonly [kind: string]: string } = {
  intoClause: 'SELECT INTO',
  lockingClause: 'FOR UPDATE',
  recursive: 'WITH RECURSIVE',
  useOp: 'ORDER BY USING',
  ParamRef: 'a parameter such as $1',
  RangeTableFunc: 'XMLTABLE',
  RangeTableSample: 'TABLESAMPLE',
  TransactionStmt: 'transaction control',
  VariableSetStmt: 'SET',
  VariableShowStmt: 'SHOW',
};

function spokenField(kind: string, field: string): string {
  return SPOKEN[field] ?? `\`${field}\` of ${spoken(kind)}`;
}

function spoken(kind: string): string {
  const words = kind.replace(/Stmt$/, '').replace(/([a-z])([A-Z])/g, '$1 $2');
  return SPOKEN[kind] ?? words.toUpperCase();
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
