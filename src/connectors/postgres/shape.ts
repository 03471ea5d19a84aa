import { SignalboxError } from '../../domain/errors.ts';

export type Verb = 'select' | 'insert' | 'update' | 'delete' | 'merge';

/** A name as written: `schema.name` or `name`. */
export interface Name {
  readonly schema: string | null;
  readonly name: string;
}

/** A relation named in FROM or as the target of a write; never a CTE. */
export interface RelationUse extends Name {
  readonly alias: string | null;
  readonly target: boolean;
}

/** What one branch of a write gives one column. */
export interface Assigned {
  /** `null`: every column, one cannot tell them apart. */
  readonly column: string | null;
  /** More than a constant or a parameter: the arguments do not say what will be written. */
  readonly computed: boolean;
  /** Another value at every call, such as the time or a random number. */
  readonly fleeting: boolean;
}

/** One INSERT, UPDATE, DELETE or MERGE, wherever it stands. */
export interface WriteUse {
  readonly verb: Exclude<Verb, 'select'>;
  readonly relation: RelationUse;
  /** The whole statement is this write; false inside a CTE. */
  readonly top: boolean;
  /** `null` when the statement inserts but names no columns. */
  readonly inserted: readonly string[] | null;
  readonly updated: readonly string[];
  readonly inserts: boolean;
  readonly deletes: boolean;
  /** What ON CONFLICT looks at. */
  readonly conflict: { readonly columns: readonly string[]; readonly constraint: string | null };
  /** It has a WHERE (or a VALUES list): it cannot touch every row by itself. */
  readonly bounded: boolean;
  /** Constants and parameters only: the same call again changes nothing more. */
  readonly repeatable: boolean;
  /** Every value it gives a column, in any of its branches. */
  readonly assigned: readonly Assigned[];
  /** Its RETURNING, if any, uses neither `old` nor `new` nor renames them. */
  readonly plainReturning: boolean;
}

/** Everything a statement refers to, collected over its whole tree. */
export interface Shape {
  readonly verb: Verb;
  readonly relations: readonly RelationUse[];
  readonly writes: readonly WriteUse[];
  readonly ctes: ReadonlySet<string>;
  readonly functions: readonly Name[];
  readonly types: readonly Name[];
  /** Last names of column references in expressions; SET and INSERT targets are not among them. */
  readonly columns: ReadonlySet<string>;
  /** Names after a value in parentheses: a field of a row, or else a function of the value. */
  readonly attributes: readonly Name[];
  /** Names that may stand for a whole row: `c` in `to_jsonb(c)`, `c.*` outside a select list. */
  readonly rows: ReadonlySet<string>;
  /** Columns are referred to without their names: `*`, USING, NATURAL. */
  readonly unnamed: boolean;
}

export function forbidden(construct: string, why: string): SignalboxError {
  return new SignalboxError('TOOL_FORBIDDEN', `\`${construct}\` is not allowed: ${why}`);
}
