import type { Derived } from '../../domain/connector.ts';
import { SignalboxError } from '../../domain/errors.ts';
import { checkInputs, checkResultNames } from '../../tools/statement.ts';
import type { AdminClient } from './admin.ts';
import { checkGivable, checkReached, checkTargets } from './admissible.ts';
import {
  type Callable,
  type Draft,
  type PostgresBinding,
  toJson,
  type Watched,
} from './binding.ts';
import {
  below,
  columnsOf,
  constraintColumns,
  defaultFunctions,
  defaultSequences,
  findRelations,
  relationsOf,
  typeNames,
} from './catalogue.ts';
import { isSystemSchema, referencesOf } from './dependencies.ts';
import { type Enforced, enforcedBy } from './derive-function.ts';
import { describe } from './describe.ts';
import { effectOf, narrate } from './effect.ts';
import type { Field } from './exchange.ts';
import { checkDomains, checkPolicies } from './expressions.ts';
import { FINGERPRINT, fingerprintValues } from './fingerprint.ts';
import { checkUsed, type OwnFunction, ownFunctions } from './own-functions.ts';
import { parseStatement, type Statement } from './parse.ts';
import { type Picture, pictureOf } from './picture.ts';
import { type Reach, reachOf } from './reach.ts';
import { type Resolved, rightsOf, targetsOf } from './rights.ts';
import { requireKnown, versionOf } from './server-needs.ts';
import { forbidden, type RelationUse, type Shape, type WriteUse } from './shape.ts';
import { checkAttributes, checkCalls, checkTypes, expandViews } from './vocabulary.ts';
import { walk } from './walk.ts';

/** What a derivation is told besides the manifest. */
export interface Asked {
  /** What a function of the database gives at most, for a read. */
  readonly maxRows: number;
  /** Tables carry labels: every one that is touched has to be told. */
  readonly labelled: boolean;
}

/**
 * Completes a tool from its statement and the live catalogue. Runs inside a transaction of `client` that the caller
 * rolls back. Throws TOOL_STATEMENT, TOOL_FORBIDDEN or TOOL_UNRESOLVED.
 */
export async function deriveTool(
  client: AdminClient,
  draft: Draft,
  inputs: readonly string[],
  { maxRows, labelled }: Asked,
): Promise<Derived> {
  const statement = await parseStatement(draft.sql);
  const own = await ownFunctions(client, draft.functions ?? []);
  const listed = new Set(own.map(({ oid }) => oid));
  const shape = walk(statement.tree, volatileNames(own));
  checkInputs(statement.parameters, inputs);
  requireKnown(shape, await versionOf(client));
  const uses = await resolveUses(client, shape);
  await checkTypes(client, shape.types);
  const described = await describe(client, statement.text);
  checkResultNames(described.columns.map(({ name }) => name));
  const parameterTypes = await typeNames(client, described.parameters);
  const references = await referencesOf(client, statement.text, parameterTypes, listed);
  await checkCalls(client, shape.functions, references);
  await checkAttributes(client, shape.attributes);
  const { relations: expanded, functions: inViews } = await expandViews(client, references, listed);
  checkUsed(own, new Set([...references.functions, ...inViews]));
  const resolved = await resolve(client, shape, uses, references);
  checkTargets(resolved);
  const read = [...references.columns.keys(), ...expanded];
  const under = await below(client, read);
  checkReached(under.values());
  await checkPolicies(client, [...read, ...under.keys()]);
  await checkDomains(client, references.types);
  const reach = await reachOf(client, targetsOf(resolved), own);
  const reached = await relationsOf(client, [...reach.events.keys()]);
  checkReached(reached.values());
  const tables = rightsOf(resolved, draft.images);
  const defaults = await defaultsOf(client, resolved);
  const called = [...inViews, ...defaults.functions.map(({ oid }) => oid)];
  const watched = watchedBy(resolved, reach, [...expanded, ...under.keys()], called);
  const writes = shape.writes.length > 0 || reach.own.some((one) => one.writes);
  await checkGivable(client, tables);
  const { held, pictured } = await shownBy(client, {
    ...{ draft, resolved, writes, statement, parameterTypes, maxRows },
    ...{ columns: described.columns, triggers: reach.triggers },
  });
  const binding: PostgresBinding = {
    ...draft,
    verb: shape.verb,
    writes,
    statement: statement.text,
    parameters: statement.parameters.map((name, index) => ({
      name,
      type: described.parameters[index] ?? 0,
    })),
    columns: described.columns.map(({ name, type }) => ({ name, type })),
    tables: tables.map((table) => ({
      ...table,
      image: table.oid === pictured.oid ? pictured.image : [],
    })),
    sequences: defaults.sequences,
    imagePlan: held === null ? pictured.plan : held.imagePlan,
    ...(held === null ? {} : { function: held.function }),
    ...(own.length === 0 ? {} : { calls: own.map(callable) }),
    outside: reach.outside.length > 0,
    ...(labelled ? { touches: await touchedBy(client, watched, reach, defaults) } : {}),
    watched,
    fingerprint: await fingerprintOf(client, watched),
  };
  const relations = new Map([...resolved.relations, ...reached]);
  const effect = effectOf(resolved, reach, relations);
  return {
    ...effect,
    binding: toJson(binding),
    derivation: narrate({
      ...{ resolved, reach, relations, tables: binding.tables, defaults, effect },
      ...{ uncovered: pictured.uncovered, tooOld: pictured.tooOld },
      enforced: held === null ? null : { shows: held.imagePlan !== null, writes: binding.writes },
    }),
  };
}

/** How it shows its rows, and the function that it stands in: one that shows none needs no rights for it. */
async function shownBy(
  client: AdminClient,
  from: {
    readonly draft: Draft;
    readonly resolved: Resolved;
    readonly writes: boolean;
    readonly statement: Statement;
    readonly parameterTypes: readonly string[];
    readonly maxRows: number;
    readonly columns: readonly Field[];
    readonly triggers: Reach['triggers'];
  },
): Promise<{ readonly held: Enforced | null; readonly pictured: Picture }> {
  const { draft, resolved, statement, columns } = from;
  const show = (wish: Draft): Promise<Picture> =>
    pictureOf(client, { ...from, draft: wish, own: columns.length });
  const pictured = await show(draft);
  if (draft.enforce !== 'function') return { held: null, pictured };
  const held = await enforcedBy(client, {
    ...from,
    ...{ shape: resolved.shape, text: statement.text, imagePlan: pictured.plan },
  });
  if (held.imagePlan !== null) return { held, pictured };
  return { held, pictured: await show({ ...draft, images: 'none' }) };
}

async function resolveUses(
  client: AdminClient,
  shape: Shape,
): Promise<ReadonlyMap<RelationUse, number>> {
  const found = await findRelations(client, shape.relations);
  const oidOf = new Map<RelationUse, number>();
  for (const [index, use] of shape.relations.entries()) {
    const written = use.schema === null ? use.name : `${use.schema}.${use.name}`;
    if (use.schema !== null && isSystemSchema(use.schema))
      throw forbidden(written, 'a tool does not look into system catalogues');
    const relation = found[index];
    if (!relation)
      throw new SignalboxError('TOOL_UNRESOLVED', `there is no table or view \`${written}\``);
    if (isSystemSchema(relation.schema))
      throw forbidden(written, 'a tool does not look into system catalogues');
    oidOf.set(use, relation.oid);
  }
  const ctes = [...shape.ctes].map((name) => ({ schema: null, name }));
  for (const hidden of await findRelations(client, ctes))
    if (hidden !== null)
      throw forbidden(`WITH ${hidden.name}`, 'it hides a table or view of the same name');
  return oidOf;
}

async function resolve(
  client: AdminClient,
  shape: Shape,
  oidOf: ReadonlyMap<RelationUse, number>,
  references: Resolved['references'],
): Promise<Resolved> {
  const oids = [...new Set([...references.columns.keys(), ...oidOf.values()])];
  const arbiters = new Map<WriteUse, readonly number[]>();
  for (const write of shape.writes)
    if (write.conflict.constraint !== null)
      arbiters.set(
        write,
        await constraintColumns(client, oidOf.get(write.relation) ?? 0, write.conflict.constraint),
      );
  return {
    shape,
    references,
    oidOf,
    arbiters,
    relations: await relationsOf(client, oids),
    columns: await columnsOf(client, oids),
  };
}

async function defaultsOf(
  client: AdminClient,
  resolved: Resolved,
): Promise<{
  readonly functions: readonly { readonly oid: number; readonly spoken: string }[];
  readonly sequences: PostgresBinding['sequences'];
}> {
  const inserted = targetsOf(resolved)
    .filter(({ write }) => write.inserts)
    .map(({ oid }) => oid);
  return {
    functions: await defaultFunctions(client, inserted),
    sequences: await defaultSequences(client, inserted),
  };
}

function watchedBy(
  resolved: Resolved,
  reach: Reach,
  views: Watched['relations'],
  functions: readonly number[],
): Watched {
  const columns = new Set<string>();
  for (const [relation, numbers] of resolved.references.columns)
    for (const number of numbers) columns.add(`${relation} ${number}`);
  const sorted = (numbers: Iterable<number>): number[] =>
    [...new Set(numbers)].sort((a, b) => a - b);
  return {
    relations: sorted([...resolved.references.columns.keys(), ...views, ...reach.events.keys()]),
    types: sorted(resolved.references.types),
    columns: [...columns]
      .map((pair): [number, number] => {
        const [relation, column] = pair.split(' ');
        return [Number(relation), Number(column)];
      })
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    functions: sorted([...resolved.references.functions, ...reach.functions, ...functions]),
  };
}

async function touchedBy(
  client: AdminClient,
  { relations }: Watched,
  { triggers, own, outside }: Reach,
  { functions }: { readonly functions: readonly unknown[] },
): Promise<NonNullable<PostgresBinding['touches']>> {
  const named = await relationsOf(client, relations);
  return {
    tables: [...named.values()].map(({ schema, name }) => `${schema}.${name}`).sort(),
    all: triggers.length + own.length + outside.length + functions.length === 0,
  };
}

function volatileNames(own: readonly OwnFunction[]): ReadonlySet<string> {
  return new Set(own.filter((one) => one.volatile).map(({ name }) => name));
}

function callable({ oid, signature, schema }: OwnFunction): Callable {
  return { oid, signature, schema };
}

export async function fingerprintOf(client: AdminClient, watched: Watched): Promise<string> {
  const { rows } = await client.query<{ encode: string }>(
    FINGERPRINT.text,
    fingerprintValues(watched),
  );
  return rows[0]?.encode ?? '';
}
