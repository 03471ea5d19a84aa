import type { Tool } from '../../domain/bundle.ts';
import { SignalboxError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';

export type ImageWish = 'none' | 'changed' | 'row';

/** What the author wrote. */
export interface Draft {
  readonly sql: string;
  readonly images: ImageWish;
}

/** One thing that SQLite asks its authorizer before it prepares a statement: `DELETE`, `READ`, …, with its two names. */
export interface Deed {
  readonly what: string;
  readonly first: string;
  readonly second: string;
  /** The trigger or view that asks for it, or empty. */
  readonly by: string;
}

/** Everything the connector needs at run time; part of the bundle, so it is plain JSON. */
export interface SqliteBinding extends Draft {
  readonly statement: string;
  readonly parameters: readonly string[];
  readonly writes: boolean;
  readonly deletes: boolean;
  /** What it may do, cascades and triggers included; anything else is refused by SQLite itself. */
  readonly deeds: readonly Deed[];
  /** Tables whose definition must stay as it was planned, sorted. */
  readonly tables: readonly string[];
  /** SHA-256 over these definitions and those of their triggers. */
  readonly fingerprint: string;
}

export function draftOf({ name, binding }: Pick<Tool, 'name' | 'binding'>): Draft {
  const { sql, images = 'changed', enforce, functions } = binding;
  if (typeof sql !== 'string')
    throw new SignalboxError('TOOL_STATEMENT', `tool \`${name}\`: expected a text in \`sql\``);
  if (images !== 'none' && images !== 'changed' && images !== 'row')
    throw new SignalboxError(
      'TOOL_STATEMENT',
      `tool \`${name}\`: expected \`none\`, \`changed\` or \`row\` in \`images\``,
    );
  if (enforce !== undefined || functions !== undefined)
    throw new SignalboxError(
      'TOOL_FORBIDDEN',
      `tool \`${name}\`: \`enforce: function\` and \`functions\` are not allowed: SQLite keeps no functions, and has no logins`,
    );
  return { sql, images };
}

export function toJson(binding: SqliteBinding): JsonObject {
  return binding as unknown as JsonObject;
}

/** The binding as `derive` made it. The bundle is content-addressed, so only its kind is checked here. */
export function bindingOf(tool: Tool): SqliteBinding {
  const binding = tool.binding as unknown as Partial<SqliteBinding>;
  if (typeof binding.statement !== 'string' || !Array.isArray(binding.deeds))
    throw new SignalboxError('TOOL_STATEMENT', `tool \`${tool.name}\` was never planned`);
  return binding as SqliteBinding;
}
