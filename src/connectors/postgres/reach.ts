import type { AdminClient } from './admin.ts';
import {
  type ForeignKey,
  foreignKeys,
  descendants as readDescendants,
  type Trigger,
  triggersOf,
} from './catalogue.ts';
import { actsOf, DESTROYING, withoutComments } from './outside.ts';
import type { OwnFunction } from './own-functions.ts';
import { forbidden, type WriteUse } from './shape.ts';

export type Event = 'insert' | 'update' | 'delete';

/** Everything a write sets in motion: the tables cascades reach, and the triggers that fire on the way. */
export interface Reach {
  readonly events: ReadonlyMap<number, ReadonlySet<Event>>;
  readonly cascades: readonly ForeignKey[];
  readonly triggers: readonly Trigger[];
  /** A trigger whose body holds DELETE, TRUNCATE or DROP. */
  readonly destroys: readonly Trigger[];
  /** Functions that may act where no rollback reaches: an untrusted language, or a word such as `dblink`. */
  readonly outside: readonly string[];
  /** Listed functions of the target that the statement calls, and whether they may write or delete. */
  readonly own: readonly (OwnFunction & { readonly writes: boolean; readonly removes: boolean })[];
  /** Everything these tables and triggers may call, as far as it can be told. */
  readonly functions: readonly number[];
}

const MAX_RELATIONS = 500;

export async function reachOf(
  client: AdminClient,
  writes: readonly { readonly write: WriteUse; readonly oid: number }[],
  own: readonly OwnFunction[],
): Promise<Reach> {
  const keys = await foreignKeys(client);
  const children = await readDescendants(client);
  const events = new Map<number, Set<Event>>();
  const cascades = new Set<ForeignKey>();
  const queue = writes.flatMap(({ write, oid }) =>
    eventsOf(write).map((event) => ({ oid, event })),
  );
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { oid, event } = next;
    const seen = events.get(oid) ?? new Set();
    if (seen.has(event)) continue;
    events.set(oid, seen.add(event));
    if (events.size > MAX_RELATIONS)
      throw forbidden('this write', `it reaches more than ${MAX_RELATIONS} tables`);
    for (const child of children.get(oid) ?? []) queue.push({ oid: child, event });
    for (const key of keys) {
      const follows = key.parent === oid ? followed(key, event) : null;
      if (follows === null) continue;
      cascades.add(key);
      queue.push({ oid: key.child, event: follows });
    }
  }
  const all = await triggersOf(client, [...events.keys()]);
  const triggers = all.filter((trigger) => {
    const fired = events.get(trigger.relation);
    return [...(fired ?? [])].some((event) => trigger[event]);
  });
  const acts = await actsOf(
    client,
    [...events.keys()],
    triggers,
    own.map(({ oid }) => oid),
  );
  return {
    events,
    cascades: [...cascades],
    triggers,
    destroys: await mentioning(triggers, DESTROYING),
    ...acts,
    own: own.map((one) => ({
      ...one,
      writes: acts.writing.has(one.oid),
      removes: acts.writing.has(one.oid) && (one.dynamic || acts.destroying.has(one.oid)),
    })),
  };
}

function eventsOf(write: WriteUse): Event[] {
  return [
    ...(write.inserts ? (['insert'] as const) : []),
    ...(write.updated.length > 0 ? (['update'] as const) : []),
    ...(write.deletes ? (['delete'] as const) : []),
  ];
}

function followed(key: ForeignKey, event: Event): Event | null {
  if (event === 'delete')
    return key.onDelete === 'c' ? 'delete' : 'nd'.includes(key.onDelete) ? 'update' : null;
  return event === 'update' && 'cnd'.includes(key.onUpdate) ? 'update' : null;
}

async function mentioning(triggers: readonly Trigger[], words: RegExp): Promise<Trigger[]> {
  const found: Trigger[] = [];
  for (const trigger of triggers)
    if (words.test(await withoutComments(trigger.source))) found.push(trigger);
  return found;
}
