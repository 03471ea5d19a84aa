import type { Tool } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Verb } from './shape.ts';

/** Which columns of the rows it changes a tool shows to an approver. Showing needs SELECT on them for the minted role. */
export type ImageWish = 'none' | 'changed' | 'row';

/** What the author wrote: the connector's own part of a tool's manifest. */
export interface Draft {
  readonly sql: string;
  readonly images: ImageWish;
  /** Rows are bound by a function of the database; absent: by the statement alone. */
  readonly enforce?: 'function';
  /** Functions of the target itself that it may call, as `schema.name(types)`; absent: none. */
  readonly functions?: readonly string[];
}

export interface Column {
  readonly name: string;
  /** OID of its type. */
  readonly type: number;
}

/** A table of the statement, with exactly what the minted role must hold on it. */
export interface TableRights {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly select: readonly string[];
  readonly insert: readonly string[];
  readonly update: readonly string[];
  readonly delete: boolean;
  /** Additional SELECT, for row images only. */
  readonly image: readonly string[];
}

export interface SequenceRights {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

export interface Callable {
  readonly oid: number;
  /** As `regprocedure` says it. */
  readonly signature: string;
  readonly schema: string;
}

/** The function that a tool's statement stands in; types are SQL names. */
export interface ToolFunction {
  readonly arguments: readonly string[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** It only reads. */
  readonly stable: boolean;
  readonly body: string;
  /** SHA-256 of all of it in the server's own words. */
  readonly seal: string;
}

/** How the images of a write are taken. `own` result columns come first, then before-, then after-columns. */
export interface ImagePlan {
  readonly table: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
  readonly own: number;
  /** Columns whose new value differs at every call (a default, the time): no approval can be bound to it. */
  readonly fleeting: readonly string[];
  /** PostgreSQL 18: `RETURNING old, new`, the version of the old row first. Null: take the older way. */
  readonly current: string | null;
  /** PostgreSQL 14 to 17; null where they cannot. */
  readonly older: {
    /** Reads and locks the rows first; null when RETURNING says enough. */
    readonly lock: string | null;
    readonly text: string;
    readonly side: 'before' | 'after';
  } | null;
}

/** A table of a guarded query: what agents call it, and the columns they may name. */
export interface QueryTable {
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
  readonly columns: readonly string[];
}

/** What an agent's own SELECT may read, and how much work the planner may expect of it. */
export interface QueryBounds {
  readonly tables: readonly QueryTable[];
  /** Units of the planner's cost. */
  readonly maxCost: number;
  /** Rows that any step of the plan may be expected to go through. */
  readonly maxRows: number;
}

/** Everything the connector needs at run time; part of the bundle, so it is plain JSON. */
export interface PostgresBinding extends Draft {
  readonly verb: Verb;
  readonly writes: boolean;
  readonly statement: string;
  readonly parameters: readonly Column[];
  readonly columns: readonly Column[];
  readonly tables: readonly TableRights[];
  readonly sequences: readonly SequenceRights[];
  readonly imagePlan: ImagePlan | null;
  /** Functions of the target itself that the statement calls; absent: none. */
  readonly calls?: readonly Callable[];
  /** The login calls this and touches no table; `tables` are then what its owner holds. */
  readonly function?: ToolFunction;
  /** The statement is the agent's own, within these bounds; `statement` is empty then. */
  readonly query?: QueryBounds;
  /** It may act where no rollback reaches: then nothing is tried out, and previews measure nothing. */
  readonly outside: boolean;
  /** Tables that a call touches, cascades and views included; `all`: nothing else can be. Absent: nobody asked. */
  readonly touches?: { readonly tables: readonly string[]; readonly all: boolean };
  readonly watched: Watched;
  /** SHA-256 over what the catalogue said of `watched` when the tool was planned. */
  readonly fingerprint: string;
}

/** What must stay as it was planned: relations (tables, views, what cascades reach), columns used, functions called, types named. */
export interface Watched {
  readonly relations: readonly number[];
  readonly columns: readonly (readonly [relation: number, column: number])[];
  readonly functions: readonly number[];
  /** Types named, for the constraints of domains. */
  readonly types: readonly number[];
}

export function draftOf(tool: Pick<Tool, 'name' | 'binding'>): Draft {
  const { sql, images = 'changed', enforce, functions } = tool.binding;
  if (typeof sql !== 'string')
    throw new SignalboxError('TOOL_STATEMENT', `tool \`${tool.name}\`: expected a text in \`sql\``);
  if (images !== 'none' && images !== 'changed' && images !== 'row')
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `tool \`${tool.name}\`: expected \`none\`, \`changed\` or \`row\` in \`images\``,
    );
  return {
    sql,
    images,
    ...(enforce === 'function' ? { enforce } : {}),
    ...(Array.isArray(functions) ? { functions: functions.map(String) } : {}),
  };
}

export function toJson(binding: PostgresBinding): JsonObject {
  return binding as unknown as JsonObject;
}

/** The binding as `derive` made it. The bundle is content-addressed, so only its kind is checked here. */
export function bindingOf(tool: Tool): PostgresBinding {
  const binding = tool.binding as unknown as Partial<PostgresBinding>;
  if (typeof binding.statement !== 'string' || typeof binding.fingerprint !== 'string')
    throw new SignalboxError('TOOL_STATEMENT', `tool \`${tool.name}\` was never planned`);
  return binding as PostgresBinding;
}
