import { SetValue, type Value } from '../values.ts';
import { isUsed } from './question.ts';
import type { World } from './world.ts';

/** One action as the solver made it up: only what the question turned on. By path: `run.depth`, `args.amount_micros`. */
export type Picture = ReadonlyMap<string, Value>;

/** The terms whose values make a picture of this world, for what a question turns on. */
export function wanted(world: World, about: string): readonly string[] {
  const used = world.reads.filter(({ term }) => isUsed(term, about));
  const members = world.sets.flatMap(({ set }) =>
    [...set.asked].flatMap((term) => [term, `(${set.name} ${term})`]),
  );
  return [...used.map(({ term }) => term), ...members];
}

/** `values`: in the order of `wanted`. */
export function pictured(
  world: World,
  asked: readonly string[],
  values: readonly string[],
): Picture {
  const by = new Map(asked.map((term, index) => [term, values[index] ?? '']));
  const found = new Map<string, Value>();
  for (const { term, path, sort } of world.reads) {
    const said = by.get(term);
    if (said === undefined) continue;
    found.set(path.join('.'), isNumbered(path) ? idOf(world, said) : readAs(said, sort));
  }
  for (const { path, set } of world.sets) {
    const members = [...set.asked]
      .filter((term) => by.get(`(${set.name} ${term})`) === 'true')
      .map((term) => readAs(by.get(term) ?? '', set.of === 'Long' ? 'Int' : set.of));
    if (set.asked.size > 0) found.set(path.join('.'), new SetValue(members));
  }
  return found;
}

/** Ids of entities are numbers there. */
function isNumbered(path: readonly string[]): boolean {
  return path.join('.') === 'agent' || path.join('.') === 'flow.proof';
}

function idOf({ names }: World, said: string): string {
  const [, id = ''] = (names.idAt(Number(said)) ?? '').split('::');
  return id;
}

function readAs(said: string, sort: string): Value {
  if (sort === 'Bool') return said === 'true';
  if (sort === 'Int') {
    const below = /^\(-\s*(\d+)\)$/.exec(said);
    return below === null ? Number(said) : 0 - Number(below[1]);
  }
  return textOf(said);
}

/** A text as SMT-LIB writes it. */
function textOf(said: string): string {
  return said
    .slice(1, -1)
    .replaceAll('""', '"')
    .replaceAll(/\\u\{([0-9a-fA-F]+)\}/g, (_, digits: string) =>
      String.fromCodePoint(Number.parseInt(digits, 16)),
    );
}
