import { fault } from './node.ts';
import {
  EntityValue,
  isEqual,
  isLong,
  isRecord,
  longOf,
  type RecordValue,
  SetValue,
  type Value,
} from './values.ts';

/* Cedar's operators on values: typed, exact in 64 bits. Whatever does not fit is a fault. */

export function boolean(value: Value): boolean {
  return typeof value === 'boolean' ? value : fault();
}

export function text(value: Value): string {
  return typeof value === 'string' ? value : fault();
}

export function set(value: Value): SetValue {
  return value instanceof SetValue ? value : fault();
}

export function entity(value: Value): EntityValue {
  return value instanceof EntityValue ? value : fault();
}

function long(value: Value): number | bigint {
  return isLong(value) ? value : fault();
}

type Operation = (a: Value, b: Value) => Value;

function comparison(holds: (a: number | bigint, b: number | bigint) => boolean): Operation {
  return (a, b) => holds(long(a), long(b));
}

function arithmetic(
  quick: (a: number, b: number) => number,
  exact: (a: bigint, b: bigint) => bigint,
): Operation {
  return (one, other) => {
    const [a, b] = [long(one), long(other)];
    if (typeof a === 'number' && typeof b === 'number') {
      const result = quick(a, b);
      if (Number.isSafeInteger(result)) return result + 0;
    }
    return longOf(exact(BigInt(a), BigInt(b))) ?? fault();
  };
}

export const BINARY: { readonly [kind: string]: Operation } = {
  '<': comparison((a, b) => a < b),
  '<=': comparison((a, b) => a <= b),
  '>': comparison((a, b) => a > b),
  '>=': comparison((a, b) => a >= b),
  '+': arithmetic(
    (a, b) => a + b,
    (a, b) => a + b,
  ),
  '-': arithmetic(
    (a, b) => a - b,
    (a, b) => a - b,
  ),
  '*': arithmetic(
    (a, b) => a * b,
    (a, b) => a * b,
  ),
  contains: (a, b) => set(a).has(b),
  containsAll: (a, b) => {
    const [all, some] = [set(a), set(b)];
    return some.members.every((member) => all.has(member));
  },
  containsAny: (a, b) => {
    const [all, some] = [set(a), set(b)];
    return some.members.some((member) => all.has(member));
  },
  '==': isEqual,
  '!=': (a, b) => !isEqual(a, b),
};

export function negative(value: Value): Value {
  return BINARY['-']?.(0, value) ?? fault();
}

/** Entities have no attributes here. */
export function attributeOf(value: Value, name: string): Value {
  if (!isRecord(value) || !Object.hasOwn(value, name)) return fault();
  return value[name] ?? fault();
}

export function hasAttribute(value: Value, name: string): boolean {
  if (value instanceof EntityValue) return false;
  return isRecord(value) ? Object.hasOwn(value, name) : fault();
}

export type Pattern = readonly ('Wildcard' | { readonly Literal: string })[];

/** Wildcards stand for any text; letter by letter otherwise. Linear: the leftmost place for each piece will do. */
export function matcher(pattern: Pattern): (text: string) => boolean {
  const pieces: string[] = [''];
  for (const part of pattern)
    if (part === 'Wildcard') pieces.push('');
    else pieces[pieces.length - 1] += part.Literal;
  const [first = '', ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return (value) => value === first;
  return (value) => {
    if (!value.startsWith(first)) return false;
    let at = first.length;
    for (const piece of rest) {
      const found = value.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return value.length - last.length >= at && value.endsWith(last);
  };
}

export function record(names: readonly string[], values: readonly Value[]): RecordValue {
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const value = values[index];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
