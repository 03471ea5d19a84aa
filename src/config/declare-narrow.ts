import type { JsonObject } from '../domain/json.ts';
import type { Narrowing } from '../tools/narrow/narrowing.ts';

/** What a file takes away from a tool; what its server says of it comes when a plan is made. */
export type DeclaredNarrowing = Omit<Narrowing, 'upstream'>;

/** Throws nothing: the shape was checked. */
export function declaredNarrowing(how: JsonObject): DeclaredNarrowing {
  const { fix = {}, hide = [], narrow = {}, project = null, maxItems = null, idempotent } = how;
  const key = typeof idempotent === 'object' && idempotent !== null ? idempotent : null;
  return {
    fix: fix as Narrowing['fix'],
    hide: hide as readonly string[],
    narrow: narrow as Narrowing['narrow'],
    key: key === null ? null : String((key as JsonObject).key),
    project: project as readonly string[] | null,
    maxItems: maxItems as number | null,
  };
}
