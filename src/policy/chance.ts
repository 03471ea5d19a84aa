import type { Attributes, CedarType } from './cedar-type.ts';
import { ENUMS } from './facts-schema.ts';
import { EntityValue, type RecordValue, SetValue, type Value } from './values.ts';

/** Numbers below 1 that follow from a seed alone. */
export type Chance = () => number;

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(chance: Chance, from: readonly T[]): T {
  return from[Math.floor(chance() * from.length)] as T;
}

/** Values that the policies themselves speak of: only near those they tell actions apart. */
export interface Pool {
  readonly texts: readonly string[];
  readonly longs: readonly number[];
}

export function anyRecord(chance: Chance, attributes: Attributes, pool: Pool): RecordValue {
  const made: { [name: string]: Value } = Object.create(null);
  for (const [name, { type, required }] of Object.entries(attributes))
    if (required || chance() < 0.7) made[name] = anyValue(chance, type, pool);
  return made;
}

function anyValue(chance: Chance, type: CedarType, pool: Pool): Value {
  switch (type.kind) {
    case 'Bool':
      return chance() < 0.5;
    case 'Long':
      return anyLong(chance, pool);
    case 'String':
      return anyText(chance, pool);
    case 'Entity':
      return new EntityValue(type.name, pick(chance, ENUMS[type.name as keyof typeof ENUMS]));
    case 'Set':
      return new SetValue(
        Array.from({ length: Math.floor(chance() * 4) }, () => anyValue(chance, type.of, pool)),
      );
    case 'Record':
      return anyRecord(chance, type.attributes, pool);
  }
}

function anyLong(chance: Chance, { longs }: Pool): number {
  if (longs.length > 0 && chance() < 0.7) {
    const near = pick(chance, longs) + Math.floor(chance() * 3) - 1;
    if (Number.isSafeInteger(near)) return near;
  }
  return chance() < 0.1
    ? pick(chance, [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
    : Math.floor(chance() * 100) - 20;
}

function anyText(chance: Chance, { texts }: Pool): string {
  if (texts.length === 0 || chance() < 0.3) return pick(chance, ['', 'a', 'A', 'é', 'x*y']);
  const one = pick(chance, texts);
  return chance() < 0.7 ? one : one + pick(chance, texts);
}
