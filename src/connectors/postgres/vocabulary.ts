import type { AdminClient } from './admin.ts';
import { builtins, relationsOf, viewText } from './catalogue.ts';
import { isSystemSchema, type References, referencesOfView } from './dependencies.ts';
import { checkDomains } from './expressions.ts';
import { ALLOWED_FUNCTIONS, ALLOWED_TYPES } from './functions.ts';
import { SCHEMAS } from './login.ts';
import { parseStatement } from './parse.ts';
import { forbidden, type Name } from './shape.ts';
import { walk } from './walk.ts';

const MAX_VIEWS = 50;

/**
 * Every call must be of a listed built-in, or of a listed extension (then the server names it as a dependency). A
 * user's function of a listed name is a dependency too, and refused there.
 */
export async function checkCalls(
  client: AdminClient,
  calls: readonly Name[],
  references: References,
): Promise<void> {
  const unlisted = calls.filter(
    ({ schema, name }) =>
      !(schema === null || schema === 'pg_catalog') || !ALLOWED_FUNCTIONS.has(name),
  );
  if (unlisted.length === 0) return;
  const own = await builtins(
    client,
    unlisted.map(({ name }) => name),
  );
  for (const { schema, name } of unlisted) {
    const elsewhere = schema !== null && schema !== 'pg_catalog';
    if (!references.functionNames.has(name) || (!elsewhere && own.has(name)))
      throw forbidden(
        schema === null ? name : `${schema}.${name}`,
        'this function is not on the list of harmless ones',
      );
  }
}

/** `(5).pg_sleep` is a call: what is called like a function of PostgreSQL must be a listed one. */
export async function checkAttributes(
  client: AdminClient,
  attributes: readonly Name[],
): Promise<void> {
  const unlisted = attributes.filter(({ name }) => !ALLOWED_FUNCTIONS.has(name));
  const own = await builtins(
    client,
    unlisted.map(({ name }) => name),
  );
  for (const { name } of unlisted)
    if (own.has(name))
      throw forbidden(`(…).${name}`, 'this function is not on the list of harmless ones');
}

/** Casts to listed types of `pg_catalog`; types of this database are dependencies, and judged there. */
export async function checkTypes(client: AdminClient, types: readonly Name[]): Promise<void> {
  const unlisted = types.filter(
    ({ schema, name }) =>
      !((schema === null || schema === 'pg_catalog') && ALLOWED_TYPES.has(name)),
  );
  for (const { schema, name } of unlisted) {
    const { rows } = await client.query<{ schema: string }>(
      `SELECT n.nspname::text AS schema FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
       WHERE t.typname = $1 AND n.nspname = ANY ($2::text[])
       ORDER BY array_position($2::text[], n.nspname::text) LIMIT 1`,
      [name, schema === null ? SCHEMAS : [schema]],
    );
    const found = rows[0]?.schema;
    if (found !== undefined && isSystemSchema(found))
      throw forbidden(`::${name}`, 'this type is not on the list of harmless ones');
  }
}

/** Checks the query of every view below, down to tables. Gives all relations, views and functions found there. */
export async function expandViews(
  client: AdminClient,
  references: References,
  own: ReadonlySet<number>,
): Promise<{ readonly relations: readonly number[]; readonly functions: readonly number[] }> {
  const functions = new Set<number>();
  const seen = new Set<number>();
  const found = new Set<number>();
  const queue = [...references.views];
  for (let view = queue.shift(); view !== undefined; view = queue.shift()) {
    if (seen.has(view)) continue;
    seen.add(view);
    if (seen.size > MAX_VIEWS) throw forbidden('this view', `it stands on over ${MAX_VIEWS} views`);
    const relation = (await relationsOf(client, [view])).get(view);
    const spoken = `${relation?.schema}.${relation?.name}`;
    if (relation?.invoker === true)
      throw forbidden(spoken, 'a security_invoker view needs rights on what is below it');
    const shape = walk((await parseStatement(await viewText(client, view))).tree);
    const below = await referencesOfView(client, view, own);
    await checkTypes(client, shape.types);
    await checkCalls(client, shape.functions, below);
    await checkAttributes(client, shape.attributes);
    await checkDomains(client, below.types);
    for (const use of shape.relations)
      if (isSystemSchema(use.schema ?? 'pg_catalog'))
        throw forbidden(spoken, 'it looks into system catalogues');
    for (const oid of below.columns.keys()) found.add(oid);
    for (const oid of below.functions) functions.add(oid);
    queue.push(...below.views);
  }
  return { relations: [...found], functions: [...functions] };
}
