import { bare, type Fields, isFields, list, nameOf, text } from './fields.ts';
import { ALLOWED_FUNCTIONS, ALLOWED_VALUE_WORDS } from './functions.ts';
import type { SyntaxNode } from './parse.ts';
import {
  forbidden,
  type Name,
  type RelationUse,
  type Shape,
  type Verb,
  type WriteUse,
} from './shape.ts';
import { writeOf } from './writes.ts';

const STATEMENTS: { readonly [kind: string]: Verb } = {
  SelectStmt: 'select',
  InsertStmt: 'insert',
  UpdateStmt: 'update',
  DeleteStmt: 'delete',
  MergeStmt: 'merge',
};

/** Nodes whose fields are walked and that need no look of their own. Anything not named here or below is refused. */
const TRANSPARENT = new Set(
  (
    'A_ArrayExpr A_Expr A_Indices A_Indirection A_Star BoolExpr BooleanTest CaseExpr CaseWhen ' +
    'CoalesceExpr CollateClause ColumnDef GroupingFunc GroupingSet IndexElem List ' +
    'MergeSupportFunc MergeWhenClause MinMaxExpr MultiAssignRef NamedArgExpr NullTest ' +
    'RangeFunction RangeSubselect ResTarget ReturningOption RowExpr SetToDefault SortBy SubLink TypeCast ' +
    'WindowDef WithClause InferClause OnConflictClause ReturningClause'
  ).split(' '),
);
const LEAVES = new Set(['A_Const', 'Alias', 'Boolean', 'Float', 'Integer', 'ParamRef', 'String']);

/** Fields that hold a node without its kind around it. */
const BARE: { readonly [field: string]: string } = {
  alias: 'Alias',
  infer: 'InferClause',
  larg: 'SelectStmt',
  onConflictClause: 'OnConflictClause',
  over: 'WindowDef',
  rarg: 'SelectStmt',
  relation: 'RangeVar',
  returningClause: 'ReturningClause',
  typeName: 'TypeName',
  withClause: 'WithClause',
};

/** What people call the nodes they are most likely to meet here. */
const SPOKEN: { readonly [kind: string]: string } = {
  CopyStmt: 'COPY',
  IntoClause: 'SELECT INTO',
  LockingClause: 'FOR UPDATE',
  RangeTableFunc: 'XMLTABLE',
  RangeTableSample: 'TABLESAMPLE',
  TransactionStmt: 'transaction control',
  TruncateStmt: 'TRUNCATE',
  VariableSetStmt: 'SET',
  VariableShowStmt: 'SHOW',
};
const NONE: ReadonlySet<string> = new Set();
const SYSTEM_COLUMNS = new Set(['cmax', 'cmin', 'ctid', 'tableoid', 'xmax', 'xmin']);

/**
 * Walks the whole tree. `fleeting`: functions besides PostgreSQL's own that answer differently at every call. Throws
 * TOOL_FORBIDDEN, naming the construct, for anything outside the list.
 */
export function walk(tree: SyntaxNode, fleeting: ReadonlySet<string> = NONE): Shape {
  const [kind = '', fields] = Object.entries(tree)[0] ?? [];
  const verb = STATEMENTS[kind];
  if (verb === undefined)
    throw forbidden(spoken(kind), 'a tool is one SELECT, INSERT, UPDATE, DELETE or MERGE');
  const walker = new Walker(fleeting);
  walker.collectCtes(tree);
  try {
    walker.node(kind, fields as Fields, kind);
  } catch (error) {
    if (error instanceof RangeError) throw forbidden('this depth of nesting', 'flatten it');
    throw error;
  }
  return walker.shape(verb);
}

class Walker {
  readonly #relations: RelationUse[] = [];
  readonly #writes: WriteUse[] = [];
  readonly #ctes = new Set<string>();
  readonly #functions: Name[] = [];
  readonly #types: Name[] = [];
  readonly #columns = new Set<string>();
  readonly #attributes: Name[] = [];
  readonly #rows = new Set<string>();
  #unnamed = false;
  readonly #fleeting: ReadonlySet<string>;

  constructor(fleeting: ReadonlySet<string>) {
    this.#fleeting = fleeting;
  }

  shape(verb: Verb): Shape {
    return {
      verb,
      relations: this.#relations,
      writes: this.#writes,
      ctes: this.#ctes,
      functions: this.#functions,
      types: this.#types,
      columns: this.#columns,
      attributes: this.#attributes,
      rows: this.#rows,
      unnamed: this.#unnamed,
    };
  }

  /** All names first: that a CTE hides no real relation is checked in the catalogue, so scopes need no tracking. */
  collectCtes(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) this.collectCtes(item);
    else if (isFields(value))
      for (const [key, inner] of Object.entries(value)) {
        if (key === 'CommonTableExpr' && isFields(inner)) this.#ctes.add(String(inner.ctename));
        this.collectCtes(inner);
      }
  }

  node(kind: string, fields: Fields, parent: string): void {
    if (LEAVES.has(kind)) return;
    if (kind in STATEMENTS) this.#statement(kind, fields, parent);
    else if (kind === 'RangeVar') this.#relation(fields, false);
    else if (kind === 'FuncCall') this.#call(fields);
    else if (kind === 'ColumnRef') this.#column(fields, parent);
    else if (kind === 'TypeName') this.#type(fields);
    else if (kind === 'SQLValueFunction') checkValueWord(String(fields.op));
    else {
      if (kind === 'CommonTableExpr') checkCte(fields);
      else if (kind === 'JoinExpr') this.#join(fields);
      else if (kind === 'A_Indirection') this.#attribute(fields);
      else if (!TRANSPARENT.has(kind))
        throw forbidden(spoken(kind), 'no rule says that it is harmless');
      this.#fields(kind, fields);
    }
  }

  #join(fields: Fields): void {
    if (fields.isNatural === true || fields.usingClause !== undefined) this.#unnamed = true;
  }

  /** `(x).name` is a call of `name(x)` where `x` is no row. */
  #attribute({ indirection }: Fields): void {
    for (const step of list(indirection)) {
      const name = text(bare(step, 'String').sval);
      if (name !== null) this.#attributes.push({ schema: null, name });
    }
  }

  #fields(kind: string, fields: Fields, skip?: string): void {
    for (const [field, value] of Object.entries(fields))
      if (field !== skip) this.#value(kind, field, value);
  }

  #value(kind: string, field: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.#value(kind, field, item);
      return;
    }
    const entries = Object.entries(value);
    const [inner, fields] = entries[0] ?? [];
    if (inner === undefined) return;
    if (entries.length === 1 && /^[A-Z]/.test(inner) && isFields(fields))
      this.node(inner, fields, kind);
    else {
      const own = BARE[field];
      if (own === undefined) throw forbidden(`${spoken(kind)}.${field}`, 'no rule knows it');
      this.node(own, value as Fields, kind);
    }
  }

  #statement(kind: string, fields: Fields, parent: string): void {
    if (fields.lockingClause !== undefined)
      throw forbidden('FOR UPDATE', 'a read takes no row locks');
    if (fields.intoClause !== undefined) throw forbidden('SELECT INTO', 'it creates a table');
    const verb = STATEMENTS[kind] ?? 'select';
    if (verb === 'select') {
      this.#fields(kind, fields);
      return;
    }
    const target = this.#relation(fields.relation as Fields, true);
    this.#fields(kind, fields, 'relation');
    if (target === null) throw forbidden('a write to a CTE', 'name the table');
    this.#writes.push(writeOf(verb, target, fields, parent === kind, this.#fleeting));
  }

  #relation(fields: Fields, target: true): RelationUse | null;
  #relation(fields: Fields, target: false): void;
  #relation(fields: Fields, target: boolean): RelationUse | null {
    if (fields.catalogname !== undefined) throw forbidden('a name in three parts', 'use two');
    const schema = text(fields.schemaname);
    const name = String(fields.relname);
    if (schema === null && this.#ctes.has(name)) return null;
    const alias = isFields(fields.alias) ? text(fields.alias.aliasname) : null;
    const relation = { schema, name, alias, target };
    this.#relations.push(relation);
    return relation;
  }

  #call(fields: Fields): void {
    const name = nameOf(fields.funcname);
    const builtin = name.schema === null || name.schema === 'pg_catalog';
    if (name.schema === 'information_schema' || (builtin && isKnownDanger(name.name)))
      throw forbidden(name.name, 'this function is not on the list of harmless ones');
    this.#functions.push(name);
    this.#fields('FuncCall', fields, 'funcname');
  }

  #column(fields: Fields, parent: string): void {
    const parts = (fields.fields as readonly Fields[]).map((part) =>
      isFields(part.String) ? text(part.String.sval) : null,
    );
    const last = parts.at(-1);
    if (last === null) {
      this.#unnamed = true;
      // `c.*` in a select list is expanded by the server; elsewhere it is the row itself.
      if (parent !== 'ResTarget' && typeof parts.at(-2) === 'string')
        this.#rows.add(parts.at(-2) ?? '');
      return;
    }
    if (last === undefined || SYSTEM_COLUMNS.has(last))
      throw forbidden(`${last}`, 'a tool does not look at system columns');
    // `excluded.x` too: the row that was to be inserted, for which the server wants SELECT on the column all the same
    this.#columns.add(last);
    if (parts.length === 1) this.#rows.add(last);
  }

  #type(fields: Fields): void {
    if (fields.setof === true || fields.pct_type === true)
      throw forbidden('SETOF and %TYPE', 'name the type');
    this.#types.push(nameOf(fields.names));
  }
}

function checkValueWord(op: string): void {
  if (!ALLOWED_VALUE_WORDS.has(op))
    throw forbidden(op.replace('SVFOP_', ''), 'it names the login or the catalogue');
}

function checkCte(fields: Fields): void {
  if (fields.search_clause !== undefined || fields.cycle_clause !== undefined)
    throw forbidden('SEARCH and CYCLE', 'write the column out');
}

/** Names worth refusing before the catalogue is asked, so that a broken statement still gets the right answer. */
function isKnownDanger(name: string): boolean {
  return (
    !ALLOWED_FUNCTIONS.has(name) && /^(pg_|lo_|dblink|set_config$|query_to_|nextval$)/.test(name)
  );
}

function spoken(kind: string): string {
  return (
    SPOKEN[kind] ??
    kind
      .replace(/Stmt$/, '')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase()
  );
}
