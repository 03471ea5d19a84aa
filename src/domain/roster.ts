/** A class, for its objects are made young: a literal that outlives its youth often is made old, with all it holds. */
class Cell<V> {
  value: V | null;

  constructor(value: V) {
    this.value = value;
  }
}

/**
 * A Map for what comes and goes all the time, in the order it came. A Map or Set that shrinks or grows leaves its old
 * table behind with a link to the new one; once one such table has become old to the collector, all that follow are kept
 * until a full collection, and with them everything that was under way: 4 KB a call, copied twice. Here the tables hold
 * cells, and a cell is empty when its entry goes.
 */
export class Roster<K, V extends object> {
  readonly #cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.#cells.size;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value ?? undefined;
  }

  set(key: K, value: V): void {
    this.delete(key);
    this.#cells.set(key, new Cell(value));
  }

  delete(key: K): boolean {
    const cell = this.#cells.get(key);
    if (cell === undefined) return false;
    cell.value = null;
    return this.#cells.delete(key);
  }

  clear(): void {
    for (const cell of this.#cells.values()) cell.value = null;
    this.#cells.clear();
  }

  /** Oldest first, as they are now. */
  values(): V[] {
    return [...this.#cells.values()].flatMap(({ value }) => value ?? []);
  }
}
