import type { ImageWish, TableRights } from './binding.ts';
import type { Relation, RelationColumn } from './catalogue.ts';
import type { References } from './dependencies.ts';
import type { RelationUse, Shape, WriteUse } from './shape.ts';

/** A statement with its names resolved. */
export interface Resolved {
  readonly shape: Shape;
  readonly references: References;
  readonly relations: ReadonlyMap<number, Relation>;
  readonly oidOf: ReadonlyMap<RelationUse, number>;
  readonly columns: readonly RelationColumn[];
  /** Relation → columns of constraints that ON CONFLICT ON CONSTRAINT names. */
  readonly arbiters: ReadonlyMap<WriteUse, readonly number[]>;
}

/** Exactly what the minted role must hold on every table and view of the statement, columns sorted as in the table. */
export function rightsOf(resolved: Resolved, images: ImageWish): TableRights[] {
  return [...resolved.references.columns.keys()]
    .sort((a, b) => a - b)
    .flatMap((oid) => {
      const relation = resolved.relations.get(oid);
      return relation === undefined ? [] : [rightsOn(resolved, relation, images)];
    });
}

function rightsOn(resolved: Resolved, relation: Relation, images: ImageWish): TableRights {
  const all = resolved.columns.filter((column) => column.relation === relation.oid);
  const writes = writesOn(resolved, relation.oid);
  const ordered = (wanted: ReadonlySet<string>): string[] =>
    all.filter(({ name }) => wanted.has(name)).map(({ name }) => name);
  const inserted = new Set(writes.flatMap((write) => insertedBy(write, all)));
  const updated = new Set(writes.flatMap((write) => write.updated));
  const read = readOn(resolved, relation, all);
  const image = imageColumns(images, writes, all, read);
  return {
    oid: relation.oid,
    schema: relation.schema,
    name: relation.name,
    select: ordered(read),
    insert: ordered(inserted),
    update: ordered(updated),
    delete: writes.some((write) => write.deletes),
    image: ordered(image).filter((name) => !read.has(name)),
  };
}

export function targetsOf({ shape, oidOf }: Resolved): { write: WriteUse; oid: number }[] {
  return shape.writes.flatMap((write) => {
    const oid = oidOf.get(write.relation);
    return oid === undefined ? [] : [{ write, oid }];
  });
}

export function writesOn(resolved: Resolved, oid: number): WriteUse[] {
  return resolved.shape.writes.filter((write) => resolved.oidOf.get(write.relation) === oid);
}

/**
 * Columns whose values the statement looks at: those the server resolved and the statement names. The server alone
 * lists written columns too, the statement alone does not know whose column a name is.
 */
function readOn(
  resolved: Resolved,
  relation: Relation,
  all: readonly RelationColumn[],
): Set<string> {
  const { shape, references } = resolved;
  const uses = shape.relations.filter((use) => resolved.oidOf.get(use) === relation.oid);
  const writes = writesOn(resolved, relation.oid);
  if (namesItsRow(resolved, uses)) return new Set(all.map(({ name }) => name));
  const referred = references.columns.get(relation.oid) ?? new Set();
  const conflict = new Set(writes.flatMap((write) => write.conflict.columns));
  const arbiters = new Set(writes.flatMap((write) => resolved.arbiters.get(write) ?? []));
  const read = new Set<string>();
  for (const { name, number } of all) {
    const looked = referred.has(number) && (shape.unnamed || shape.columns.has(name));
    if (looked || conflict.has(name) || arbiters.has(number)) read.add(name);
  }
  // Counting rows looks at no column, and still needs SELECT on one.
  if (read.size === 0 && uses.some(({ target }) => !target)) add(read, keyOrFirst(all)[0]);
  return read;
}

/** `to_jsonb(c)` reads every column of `c`. A column of that name, anywhere, wins over the row, as it does in SQL. */
function namesItsRow({ shape, columns }: Resolved, uses: readonly RelationUse[]): boolean {
  const names = uses.flatMap(({ alias, name, target }) => [
    alias ?? name,
    ...(target ? ['old', 'new', 'excluded'] : []),
  ]);
  return names.some(
    (name) => shape.rows.has(name) && !columns.some((column) => column.name === name),
  );
}

function insertedBy(write: WriteUse, all: readonly RelationColumn[]): string[] {
  if (!write.inserts) return [];
  if (write.inserted !== null) return [...write.inserted];
  return all.filter(({ generated }) => !generated).map(({ name }) => name);
}

function imageColumns(
  images: ImageWish,
  writes: readonly WriteUse[],
  all: readonly RelationColumn[],
  read: ReadonlySet<string>,
): Set<string> {
  const shown = new Set<string>();
  if (images === 'none' || !writes.some(({ top }) => top)) return shown;
  if (images === 'row') return new Set(all.map(({ name }) => name));
  for (const { name, key } of all) if (key > 0 || read.has(name)) shown.add(name);
  for (const { updated } of writes) for (const name of updated) shown.add(name);
  // What the arguments do not say: an approver must see it, and the approval be bound to it.
  for (const { column, computed } of writes.flatMap(({ assigned }) => assigned))
    if (computed)
      for (const { name } of all) if (column === null || column === name) shown.add(name);
  return shown;
}

export function keyOf(all: readonly RelationColumn[]): string[] {
  return all
    .filter(({ key }) => key > 0)
    .sort((a, b) => a.key - b.key)
    .map(({ name }) => name);
}

function keyOrFirst(all: readonly RelationColumn[]): string[] {
  const key = keyOf(all);
  return key.length > 0 ? key : all.slice(0, 1).map(({ name }) => name);
}

function add(set: Set<string>, name: string | undefined): void {
  if (name !== undefined) set.add(name);
}
