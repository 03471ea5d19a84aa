/** Chance that can be had again: the same seed gives the same choices. */
export interface Chance {
  /** A whole number from 0 to `below` - 1. */
  upTo(below: number): number;
  one<T>(of: readonly T[]): T;
  /** True once in `n` times. */
  onceIn(n: number): boolean;
}

export function chanceOf(seed: number): Chance {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const upTo = (below: number): number => next() % below;
  return {
    upTo,
    one: <T>(of: readonly T[]): T => of[upTo(of.length)] as T,
    onceIn: (n) => upTo(n) === 0,
  };
}
