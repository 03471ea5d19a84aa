import type { Relation, RelationColumn, Trigger } from './catalogue.ts';
import { type Resolved, targetsOf } from './rights.ts';
import type { WriteUse } from './shape.ts';

const FLEETING_WORDS =
  /\b(now|\w*_timestamp|localtime\w*|current_time|timeofday|nextval|random\w*|gen_random_\w+|\w*uuid\w*|txid_current|pg_current_xact_id)\b/i;

/**
 * Columns whose new value is another one at every call: given by the time or a random number, by a default or
 * identity, or by a trigger that writes such a value. Were an approval bound to them, every one would be void.
 */
export function fleetingOf(
  target: { readonly write: WriteUse; readonly oid: number },
  relation: Relation,
  all: readonly RelationColumn[],
  triggers: readonly Trigger[],
): string[] {
  const { write, oid } = target;
  const given = (name: string): boolean => write.inserted === null || write.inserted.includes(name);
  // A partition may have a trigger of its own.
  const writing = triggers.filter(
    ({ before, relation: on }) => before && (on === oid || relation.kind === 'p'),
  );
  const own = all.filter(
    ({ name, hasDefault }) =>
      write.assigned.some(({ column, fleeting }) => fleeting && (column ?? name) === name) ||
      (write.inserts && hasDefault && !given(name)) ||
      (write.inserts && hasDefault && !assigns(write, name)) ||
      writing.some((trigger) => stamps(trigger, name, write)),
  );
  const found = new Set(own.map(({ name }) => name));
  return all
    .filter(({ name, generated }) => found.has(name) || (generated && found.size > 0))
    .map(({ name }) => name);
}

/** Columns a human may see or not, but whose values may differ at execution. Empty for what only deletes. */
export function uncovered(
  resolved: Resolved,
  pictured: {
    readonly oid: number;
    readonly columns: readonly string[];
    readonly fleeting: readonly string[];
  } | null,
): string[] {
  const names = targetsOf(resolved).flatMap(({ write, oid }) => {
    const on = pictured?.oid === oid && write.top ? pictured : null;
    const computed = write.assigned.filter((one) => one.computed);
    return resolved.columns
      .filter(({ relation }) => relation === oid)
      .filter(({ name }) => {
        if (on?.fleeting.includes(name)) return true;
        return (
          on?.columns.includes(name) !== true &&
          computed.some(({ column }) => (column ?? name) === name)
        );
      })
      .map(({ name }) => name);
  });
  return [...new Set(names)];
}

function assigns({ assigned }: WriteUse, name: string): boolean {
  return assigned.some(({ column }) => (column ?? name) === name);
}

function stamps({ source, language }: Trigger, column: string, write: WriteUse): boolean {
  // What a trigger in another language writes cannot be read from its source.
  if (language !== 'plpgsql' && language !== 'sql') return !assigns(write, column);
  return FLEETING_WORDS.test(source) && new RegExp(`\\b${escaped(column)}\\b`, 'i').test(source);
}

function escaped(name: string): string {
  return name.replace(/[^\w]/g, '\\$&');
}
