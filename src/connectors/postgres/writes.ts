import { assignedBy } from './assigned.ts';
import { bare, type Fields, isFields, list, text } from './fields.ts';
import type { RelationUse, Verb, WriteUse } from './shape.ts';

/** What one INSERT, UPDATE, DELETE or MERGE node says of its target. */
export function writeOf(
  verb: WriteUse['verb'],
  relation: RelationUse,
  fields: Fields,
  top: boolean,
  fleeting: ReadonlySet<string>,
): WriteUse {
  const whens = list(fields.mergeWhenClauses).map((when) => bare(when, 'MergeWhenClause'));
  const conflict = isFields(fields.onConflictClause) ? fields.onConflictClause : {};
  const infer = isFields(conflict.infer) ? conflict.infer : {};
  const mergeInserts = whens.filter((when) => when.commandType === 'CMD_INSERT');
  const cols = list(fields.cols);
  return {
    verb,
    relation,
    top,
    inserts: verb === 'insert' || mergeInserts.length > 0,
    deletes: verb === 'delete' || whens.some((when) => when.commandType === 'CMD_DELETE'),
    inserted: insertedBy(verb, cols, mergeInserts),
    updated: [
      ...(verb === 'update' ? targets(fields.targetList) : []),
      ...targets(conflict.targetList),
      ...whens.flatMap((when) =>
        when.commandType === 'CMD_UPDATE' ? targets(when.targetList) : [],
      ),
    ],
    conflict: {
      columns: list(infer.indexElems).flatMap(
        (element) => text(bare(element, 'IndexElem').name) ?? [],
      ),
      constraint: text(infer.conname),
    },
    bounded: verb === 'insert' || verb === 'merge' || fields.whereClause !== undefined,
    repeatable: isRepeatable(verb, fields),
    assigned: assignedBy(verb, fields, whens, conflict, fleeting),
    plainReturning: isPlain(fields.returningClause),
  };
}

function insertedBy(
  verb: Verb,
  cols: readonly unknown[],
  merges: readonly Fields[],
): string[] | null {
  if (verb === 'insert') return cols.length === 0 ? null : targets(cols);
  if (merges.some((when) => list(when.targetList).length === 0)) return null;
  return merges.flatMap((when) => targets(when.targetList));
}

function isRepeatable(verb: Verb, fields: Fields): boolean {
  if (verb !== 'update' && verb !== 'delete') return false;
  const joins = fields.fromClause ?? fields.usingClause ?? fields.withClause;
  const values = list(fields.targetList).map((target) => bare(target, 'ResTarget').val);
  return (
    joins === undefined &&
    !holds(values, ['ColumnRef', 'FuncCall', 'SubLink', 'SQLValueFunction']) &&
    !holds(fields.whereClause, ['FuncCall', 'SubLink', 'SQLValueFunction'])
  );
}

function isPlain(returning: unknown): boolean {
  if (!isFields(returning)) return true;
  const names = JSON.stringify(returning.exprs ?? []);
  return returning.options === undefined && !/"sval":"(old|new)"/.test(names);
}

function holds(value: unknown, kinds: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, kinds));
  if (!isFields(value)) return false;
  return Object.entries(value).some(([key, inner]) => kinds.includes(key) || holds(inner, kinds));
}

function targets(value: unknown): string[] {
  return list(value).flatMap((target) => text(bare(target, 'ResTarget').name) ?? []);
}
