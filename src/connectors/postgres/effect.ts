import type { Derived } from '../../domain/connector.ts';
import type { EffectClass } from '../../domain/effect.ts';
import { sqlRecovery } from '../../tools/recovery-sql.ts';
import { RECOVERY_RULES, RECOVERY_THINGS, wordsOf } from '../../tools/recovery-words.ts';
import type { TableRights } from './binding.ts';
import type { Relation } from './catalogue.ts';
import { toldOf } from './own-functions.ts';
import type { Reach } from './reach.ts';
import type { Resolved } from './rights.ts';

type Effect = Pick<Derived, 'effect' | 'recoveryPath' | 'idempotent'>;

/** In a database, unlike in a path of an API, a table of this name keeps what was. */
const HISTORY = new Set(['history', 'histories']);
const NAMED =
  /\b(delete\s+from|truncate(?:\s+table)?|drop\s+(?:table|schema)(?:\s+if\s+exists)?|update)\s+(?:only\s+)?([\w."]+)/gi;

/** `relations`: those of the statement and those its writes reach. */
export function effectOf(
  resolved: Resolved,
  reach: Reach,
  relations: ReadonlyMap<number, Relation>,
): Effect {
  const { writes } = resolved.shape;
  const acts = reach.own.some((one) => one.writes);
  const destroys =
    writes.some((write) => write.deletes) ||
    reach.destroys.length > 0 ||
    reach.own.some(({ removes }) => removes);
  const effect: EffectClass =
    writes.length === 0 && !acts ? 'read' : destroys ? 'destroy' : 'write';
  const recoveryPath =
    [...reach.events].some(([oid, events]) => {
      const relation = relations.get(oid);
      const name = `${relation?.schema}.${relation?.name}`;
      return (events.has('delete') && keeps(name)) || (events.has('update') && tells(name));
    }) ||
    [...reach.triggers, ...reach.own.filter((one) => one.writes)].some(({ source }) =>
      weakens(source),
    );
  const repeatable =
    !acts &&
    reach.triggers.length === 0 &&
    writes.length === 1 &&
    writes.every((one) => one.repeatable);
  return { effect, recoveryPath, idempotent: (writes.length === 0 && !acts) || repeatable };
}

/** A table that people recover from, by the words of its schema and name. */
function keeps(name: string): boolean {
  return tells(name) || wordsOf(name).some((word) => RECOVERY_THINGS.has(word));
}

/** A table that tells afterwards what happened: changing it is as good as removing. */
function tells(name: string): boolean {
  return wordsOf(name).some((word) => RECOVERY_RULES.has(word) || HISTORY.has(word));
}

/** What a trigger says it removes, in plain words. */
function weakens(source: string): boolean {
  if (sqlRecovery(source) !== null) return true;
  return [...source.matchAll(NAMED)].some(([, verb = '', name = '']) =>
    verb.toLowerCase() === 'update' ? tells(name) : keeps(name),
  );
}

interface Story {
  readonly resolved: Resolved;
  readonly reach: Reach;
  readonly tables: readonly TableRights[];
  readonly relations: ReadonlyMap<number, Relation>;
  readonly defaults: { readonly functions: readonly { readonly spoken: string }[] };
  readonly effect: Effect;
  /** Columns whose new values no approval is bound to. */
  readonly uncovered: readonly string[];
  /** The server is too old to show the rows that change. */
  readonly tooOld: boolean;
  /** It stands in a function of the database; null: the login runs the statement itself. */
  readonly enforced: { readonly shows: boolean; readonly writes: boolean } | null;
}

/** Why the effect is what it is, one fact a line; warnings say so. */
export function narrate(story: Story): string[] {
  const { resolved, reach, effect, relations } = story;
  return [
    `${resolved.shape.verb.toUpperCase()}: ${effect.effect}`,
    ...story.tables.flatMap(told),
    ...reach.cascades.map((key) => {
      const child = spoken(relations, key.child);
      const how = key.onDelete === 'c' ? 'deletes' : 'changes';
      return `${how} rows of ${child} by the cascade \`${key.name}\``;
    }),
    ...reach.triggers.map((trigger) => {
      const traits = [
        trigger.definer ? 'with its owner’s rights' : 'with the caller’s rights',
        ...(trigger.volatile ? ['volatile'] : []),
        trigger.language,
      ];
      return `trigger \`${trigger.name}\` on ${spoken(relations, trigger.relation)} runs ${trigger.functionName} (${traits.join(', ')})`;
    }),
    ...reach.own.map((one) => toldOf(one, one)),
    ...reach.own
      .filter(({ removes }) => removes)
      .map(
        ({ signature }) =>
          `raised to destroy: ${signature} holds DELETE, TRUNCATE or DROP, or cannot be read`,
      ),
    ...reach.destroys.map(
      (trigger) => `raised to destroy: ${trigger.functionName} holds DELETE, TRUNCATE or DROP`,
    ),
    ...story.defaults.functions.map(({ spoken: name }) => `a column default calls ${name}`),
    ...bound(story),
    ...(effect.recoveryPath ? ['it removes or changes what people recover from'] : []),
    ...warnings(story),
  ];
}

function bound({ enforced, resolved }: Story): string[] {
  if (enforced === null) return [];
  const guarded = [...resolved.relations.values()].some(({ rowSecurity }) => rowSecurity);
  return [
    'rows are bound by a function of the database: the login may call it and touch no table',
    ...(guarded ? ['row security sees the owner of that function, not the login'] : []),
    ...(enforced.writes && !enforced.shows
      ? ['the rows that it changes are not captured: the function does not show them']
      : []),
  ];
}

function warnings({ resolved, reach, uncovered, tooOld }: Story): string[] {
  const unbounded = resolved.shape.writes
    .filter((write) => !write.bounded)
    .map(
      ({ verb, relation }) =>
        `warning: ${verb.toUpperCase()} without WHERE can touch every row of ${relation.name}`,
    );
  const outside = reach.outside.map(
    (name) =>
      `warning: ${name} may act outside the transaction, where no rollback reaches: it is not previewed`,
  );
  const guarded = [...resolved.relations.values()]
    .filter(({ rowSecurity }) => rowSecurity)
    .map(({ schema, name }) => `row security applies on ${schema}.${name}`);
  const open =
    uncovered.length === 0
      ? []
      : [
          `an approval does not cover the new values of ${uncovered.join(', ')}: they differ at every call, or are not shown`,
        ];
  const hidden = tooOld
    ? [
        'the rows that it changes are not captured: before PostgreSQL 18 a server does not show them',
      ]
    : [];
  return [...guarded, ...unbounded, ...outside, ...hidden, ...open];
}

function told(table: TableRights): string[] {
  const name = `${table.schema}.${table.name}`;
  const list = (verb: string, columns: readonly string[]): string[] =>
    columns.length === 0 ? [] : [`${verb} ${name} (${columns.join(', ')})`];
  return [
    ...list('reads', table.select),
    ...list('inserts into', table.insert),
    ...list('updates', table.update),
    ...(table.delete ? [`deletes from ${name}`] : []),
    ...list('shows the rows of', table.image),
  ];
}

function spoken(relations: ReadonlyMap<number, Relation>, oid: number): string {
  const relation = relations.get(oid);
  return relation === undefined ? `table ${oid}` : `${relation.schema}.${relation.name}`;
}
