import { ALLOWED_FUNCTIONS } from './functions.ts';

/**
 * What an agent's own query may consist of: every kind of node with every field it may have. The rest of the grammar,
 * and whatever a later PostgreSQL adds to it, is refused by not being here: writes, INTO, row locks, parameters,
 * TABLESAMPLE, RECURSIVE, XML and SQL/JSON constructors, operators and functions by a foreign schema, …
 */
const NODES: { readonly [kind: string]: string } = {
  A_ArrayExpr: 'elements list_start list_end',
  A_Const: 'boolval bsval fval isnull ival sval',
  A_Expr: 'kind lexpr name rexpr rexpr_list_end rexpr_list_start',
  A_Indices: 'is_slice lidx uidx',
  A_Indirection: 'arg indirection',
  A_Star: '',
  Alias: 'aliasname colnames',
  BoolExpr: 'args boolop',
  BooleanTest: 'arg booltesttype',
  CaseExpr: 'arg args defresult',
  CaseWhen: 'expr result',
  CoalesceExpr: 'args',
  CollateClause: 'arg collname',
  ColumnDef: 'colname is_local typeName',
  ColumnRef: 'fields',
  CommonTableExpr: 'aliascolnames ctematerialized ctename ctequery',
  FuncCall:
    'agg_distinct agg_filter agg_order agg_star agg_within_group args func_variadic funcformat funcname over',
  GroupingFunc: 'args',
  GroupingSet: 'content kind',
  JoinExpr: 'alias isNatural join_using_alias jointype larg quals rarg usingClause',
  List: 'items',
  MinMaxExpr: 'args op',
  NamedArgExpr: 'arg argnumber name',
  NullTest: 'arg argisrow nulltesttype',
  RangeFunction: 'alias coldeflist functions is_rowsfrom lateral ordinality',
  RangeSubselect: 'alias lateral subquery',
  RangeVar: 'alias inh relname relpersistence schemaname',
  ResTarget: 'name val',
  RowExpr: 'args colnames row_format',
  SQLValueFunction: 'op typmod',
  SelectStmt:
    'all distinctClause fromClause groupClause groupDistinct havingClause larg limitCount limitOffset limitOption ' +
    'op rarg sortClause targetList valuesLists whereClause windowClause withClause',
  SortBy: 'node sortby_dir sortby_nulls',
  SubLink: 'operName subLinkType subselect testexpr',
  TypeCast: 'arg typeName',
  TypeName: 'arrayBounds names typemod typmods',
  WindowDef: 'endOffset frameOptions name orderClause partitionClause refname startOffset',
  WithClause: 'ctes',
};

/** Kind → its fields; each may say where it stands. */
export const QUERY_NODES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(NODES).map(([kind, fields]) => [
    kind,
    new Set([...fields.split(' '), 'location']),
  ]),
);

/** Fields that hold a node without its kind around it. */
export const BARE_FIELDS: ReadonlyMap<string, string> = new Map([
  ['alias', 'Alias'],
  ['join_using_alias', 'Alias'],
  ['larg', 'SelectStmt'],
  ['over', 'WindowDef'],
  ['rarg', 'SelectStmt'],
  ['typeName', 'TypeName'],
  ['withClause', 'WithClause'],
]);

/** Harmless in a statement that somebody has read; in an agent's own hands they fill the server's memory or time. */
const HEAVY = new Set(['factorial', 'format', 'lpad', 'repeat', 'rpad', 'ts_headline']);

export const QUERY_FUNCTIONS: ReadonlySet<string> = ALLOWED_FUNCTIONS.difference(HEAVY);

/** Columns have these names when nobody gave them one. */
export const GIVEN_NAMES: ReadonlySet<string> = new Set(
  'array case coalesce exists greatest key least ordinality row value'.split(' '),
);
