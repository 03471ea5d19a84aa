/** The values of Cedar as JavaScript holds them. A Long is a number while that is exact, else a bigint. */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | EntityValue
  | SetValue
  | { readonly [name: string]: Value };

export class EntityValue {
  readonly type: string;
  readonly id: string;
  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }
}

/** `plain`: its members when all are Booleans, Longs or Strings, so that one is found at once. */
export class SetValue {
  readonly members: readonly Value[];
  readonly plain: ReadonlySet<Value> | null;
  constructor(members: readonly Value[]) {
    this.members = members;
    this.plain = members.every(isPlain) ? new Set(members) : null;
  }

  has(value: Value): boolean {
    if (this.plain !== null) return isPlain(value) && this.plain.has(value);
    return this.members.some((member) => isEqual(member, value));
  }
}

export type RecordValue = { readonly [name: string]: Value };

function isPlain(value: Value): boolean {
  return typeof value !== 'object';
}

export function isRecord(value: Value): value is RecordValue {
  return (
    typeof value === 'object' && !(value instanceof EntityValue) && !(value instanceof SetValue)
  );
}

export function isLong(value: Value): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

export function isEqual(a: Value, b: Value): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (a instanceof EntityValue)
    return b instanceof EntityValue && a.type === b.type && a.id === b.id;
  if (a instanceof SetValue)
    return (
      b instanceof SetValue &&
      a.members.every((member) => b.has(member)) &&
      b.members.every((member) => a.has(member))
    );
  if (!isRecord(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [one, other] = [a[name], b[name]];
      return (
        one !== undefined && other !== undefined && Object.hasOwn(b, name) && isEqual(one, other)
      );
    })
  );
}

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** The Long that this is, exact; null when it is beyond 64 bits. */
export function longOf(exact: bigint): number | bigint | null {
  if (exact < LEAST || exact > MOST) return null;
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}
