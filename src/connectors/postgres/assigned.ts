import { bare, type Fields, isFields, list, nameOf, text } from './fields.ts';
import type { Assigned, WriteUse } from './shape.ts';

/** Of the functions a statement may call, those that answer differently at every call. */
const FLEETING_CALLS = new Set(
  'gen_random_uuid now statement_timestamp transaction_timestamp uuidv4 uuidv7'.split(' '),
);
const COMPUTING = new Set([
  'ColumnRef',
  'FuncCall',
  'MultiAssignRef',
  'SQLValueFunction',
  'SubLink',
]);

/** What each branch of a write gives its columns. */
export function assignedBy(
  verb: WriteUse['verb'],
  fields: Fields,
  whens: readonly Fields[],
  conflict: Fields,
  more: ReadonlySet<string>,
): Assigned[] {
  const isFleeting = (kind: string, inner: unknown): boolean => differs(kind, inner, more);
  const drifting = fleetingNames(fields, isFleeting);
  const judged = (column: string | null, value: unknown): Assigned => ({
    column,
    computed: some(value, (kind) => COMPUTING.has(kind)),
    fleeting: some(
      value,
      (kind, inner) =>
        isFleeting(kind, inner) || (kind === 'ColumnRef' && drifting.has(lastName(inner))),
    ),
  });
  const sets = (targets: unknown): Assigned[] =>
    list(targets).map((target) => {
      const { name, val } = bare(target, 'ResTarget');
      return judged(text(name), val);
    });
  return [
    ...(verb === 'update' ? sets(fields.targetList) : []),
    ...(verb === 'insert' ? inserted(fields, judged) : []),
    ...sets(conflict.targetList),
    ...whens.flatMap((when) =>
      when.commandType === 'CMD_INSERT'
        ? list(when.values).map((value, index) => judged(nameAt(when.targetList, index), value))
        : sets(when.targetList),
    ),
  ];
}

function inserted(
  fields: Fields,
  judged: (column: string | null, value: unknown) => Assigned,
): Assigned[] {
  if (!isFields(fields.selectStmt)) return [];
  const select = bare(fields.selectStmt, 'SelectStmt');
  const rows = list(select.valuesLists);
  if (rows.length > 0)
    return rows.flatMap((row) =>
      list(bare(row, 'List').items).map((value, index) =>
        judged(nameAt(fields.cols, index), isDefault(value) ? null : value),
      ),
    );
  const values = list(select.targetList).map((target) => bare(target, 'ResTarget').val);
  const apart =
    values.length > 0 && !values.some((value) => some(value, (kind) => kind === 'A_Star'));
  if (!apart) return [{ ...judged(null, select), computed: true }];
  return values.map((value, index) => judged(nameAt(fields.cols, index), value));
}

function nameAt(targets: unknown, index: number): string | null {
  const target = list(targets)[index];
  return target === undefined ? null : text(bare(target, 'ResTarget').name);
}

/** Names that a query below gives to such values: `select now() as at`. */
function fleetingNames(
  value: unknown,
  isFleeting: (kind: string, fields: unknown) => boolean,
): Set<string> {
  const found = new Set<string>();
  some(value, (kind, fields) => {
    const name = kind === 'ResTarget' && isFields(fields) ? text(fields.name) : null;
    if (name !== null && isFields(fields) && some(fields.val, isFleeting)) found.add(name);
    return false;
  });
  return found;
}

function isDefault(value: unknown): boolean {
  return isFields(value) && 'SetToDefault' in value;
}

function differs(kind: string, fields: unknown, more: ReadonlySet<string>): boolean {
  if (!isFields(fields)) return false;
  if (kind === 'FuncCall') {
    const { name } = nameOf(fields.funcname);
    return FLEETING_CALLS.has(name) || more.has(name);
  }
  // A date stays for a day, and an approval is void over midnight.
  return kind === 'SQLValueFunction' && /TIME/.test(String(fields.op));
}

function lastName(fields: unknown): string {
  const part = isFields(fields) ? list(fields.fields).at(-1) : undefined;
  const word = isFields(part) && isFields(part.String) ? text(part.String.sval) : null;
  return word ?? '';
}

function some(value: unknown, test: (kind: string, fields: unknown) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => some(item, test));
  if (!isFields(value)) return false;
  return Object.entries(value).some(([kind, inner]) => test(kind, inner) || some(inner, test));
}
