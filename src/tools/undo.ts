import type { Bound } from '../domain/bundle.ts';
import { canonical, isJsonObject, type Json, type JsonObject, jsonIn } from '../domain/json.ts';
import type { Measured, RowImage, ToolResult } from '../domain/proposal.ts';
import { boundArguments, originOf } from './bound.ts';

/** What is known of the action that is taken back. */
export interface Undoing {
  readonly arguments: JsonObject;
  readonly result: ToolResult | null;
  readonly measured: Measured | null;
}

/** One call of the undo tool; `image`: the row that it is for. */
export interface UndoCall {
  readonly arguments: JsonObject;
  readonly image: RowImage | null;
}

/** Rows of one action that are taken back one by one, at most. */
const MOST_ROWS = 100;

/** The calls that take an action back, the last row first; or why there are none, in words. */
export function undoCalls(bound: Bound, undoing: Undoing): readonly UndoCall[] | string {
  const result = undoing.result === null ? null : documentOf(undoing.result);
  if (!needsImages(bound))
    return [{ arguments: boundArguments(bound, undoing.arguments, result), image: null }];
  const { measured } = undoing;
  if (measured === null || measured.images.length === 0) return 'no images of its rows were kept';
  if (!measured.imagesComplete) return 'it changed more than its images show';
  if (measured.images.length > MOST_ROWS)
    return `it changed ${measured.images.length} rows, and at most ${MOST_ROWS} are taken back one by one`;
  return [...measured.images].reverse().map((image) => ({
    arguments: boundArguments(bound, undoing.arguments, result, image),
    image,
  }));
}

export function needsImages(bound: Bound): boolean {
  return Object.values(bound.arguments).some((value) => {
    const from = originOf(value)?.from;
    return from === 'before' || from === 'after';
  });
}

/**
 * Why this undo, as measured before it is committed, is not the undo of this row; null: it is. The row must be as the
 * action left it, and become what it was: only columns that both show are compared, and some must be.
 */
export function notTheUndo({ before, after }: RowImage, measured: Measured): string | null {
  const { effect, images, imagesComplete } = measured;
  const changed = effect.rowsWritten + effect.rowsDeleted;
  if (changed === 0) return 'the row is not as the action left it: it was changed since';
  if (changed !== 1 || images.length !== 1 || !imagesComplete)
    return `it would change ${changed} rows, and shows ${images.length} of them: expected the one row`;
  const [now] = images as readonly [RowImage];
  if (!agree(now.before, after))
    return 'the row is not as the action left it: it was changed since';
  if (!agree(now.after, before)) return 'it would not make the row what it was';
  return null;
}

function agree(is: JsonObject | null, was: JsonObject | null): boolean {
  if (is === null || was === null) return is === was;
  const shared = Object.keys(was).filter((name) => Object.hasOwn(is, name));
  return (
    shared.length > 0 &&
    shared.every((name) => canonical(is[name] ?? null) === canonical(was[name] ?? null))
  );
}

/** What `{result:/…}` points into: structured content, else a text that is JSON; null: neither. */
export function documentOf({ structured, text, wire }: ToolResult): Json | null {
  if (structured !== undefined) return structured;
  if (wire === undefined) return jsonIn(text);
  const members = jsonIn(`{${wire}}`);
  if (!isJsonObject(members)) return null;
  if (isJsonObject(members.structuredContent)) return members.structuredContent;
  const blocks = Array.isArray(members.content) ? (members.content as readonly Json[]) : [];
  const [first] = blocks.filter((block) => isJsonObject(block) && block.type === 'text');
  return isJsonObject(first) ? jsonIn(String(first.text)) : null;
}
