/** What a table holds under a name that somebody else chose; null: nothing, whatever every object inherits. */
export function own<T>(table: { readonly [name: string]: T }, name: string): T | null {
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}
