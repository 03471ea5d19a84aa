import type { AdminClient } from './admin.ts';
import type { Draft, PostgresBinding } from './binding.ts';
import { showable, type Trigger } from './catalogue.ts';
import { fleetingOf, uncovered } from './fleeting.ts';
import { planImages } from './images.ts';
import type { Statement } from './parse.ts';
import { keyOf, type Resolved, rightsOf, targetsOf } from './rights.ts';
import { PG18, versionOf } from './server-needs.ts';

/** How a write shows its rows, and what the minted role needs for that on top of the statement's own rights. */
export interface Picture {
  readonly oid: number | null;
  readonly plan: PostgresBinding['imagePlan'];
  /** Columns whose new values an approval does not cover. */
  readonly uncovered: readonly string[];
  /** SELECT rights on top of the statement's own. */
  readonly image: readonly string[];
  /** This server is too old to show them. */
  readonly tooOld: boolean;
}

export async function pictureOf(
  client: AdminClient,
  from: {
    readonly resolved: Resolved;
    readonly draft: Draft;
    readonly statement: Statement;
    readonly own: number;
    readonly parameterTypes: readonly string[];
    readonly triggers: readonly Trigger[];
  },
): Promise<Picture> {
  const { resolved, draft, statement, own, parameterTypes, triggers } = from;
  const target = targetsOf(resolved).find(({ write }) => write.top);
  const relation = resolved.relations.get(target?.oid ?? 0);
  if (target === undefined || relation === undefined || draft.images === 'none')
    return noPicture(resolved);
  const all = resolved.columns.filter((column) => column.relation === target.oid);
  const rights = rightsOf(resolved, draft.images).find(({ oid }) => oid === target.oid);
  const read = new Set(rights?.select);
  const open = await showable(client, target.oid);
  const wanted = new Set([...read, ...(rights?.image ?? []).filter((name) => open.has(name))]);
  const columns = all.filter(({ name }) => wanted.has(name)).map(({ name }) => name);
  const key = keyOf(all);
  const fleeting = fleetingOf(target, relation, all, triggers);
  const versioned = open.has('xmin');
  const plan = planImages(statement, {
    write: target.write,
    table: `${relation.schema}.${relation.name}`,
    columns,
    key: key.every((name) => wanted.has(name)) ? key : [],
    own,
    fleeting,
    versioned,
    parameterTypes,
  });
  if (plan === null) return noPicture(resolved);
  if (plan.older === null && (await versionOf(client)) < PG18)
    return { ...noPicture(resolved), tooOld: true };
  const image = columns.filter((name) => !read.has(name));
  return {
    oid: target.oid,
    plan,
    uncovered: uncovered(resolved, { ...target, columns, fleeting }),
    image: versioned ? [...image, 'xmin'] : image,
    tooOld: false,
  };
}

function noPicture(resolved: Resolved): Picture {
  return { oid: null, plan: null, uncovered: uncovered(resolved, null), image: [], tooOld: false };
}
