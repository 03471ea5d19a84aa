import { forbidden, type Name } from './shape.ts';

/** The fields of one node of the syntax tree; absent ones are those the parser left at their defaults. */
export type Fields = { readonly [field: string]: unknown };

export function nameOf(parts: unknown): Name {
  const names = list(parts).map((part) => text(bare(part, 'String').sval) ?? '');
  if (names.length > 2) throw forbidden(names.join('.'), 'a name has at most two parts');
  return names.length === 2
    ? { schema: names[0] ?? '', name: names[1] ?? '' }
    : { schema: null, name: names[0] ?? '' };
}

export function bare(value: unknown, kind: string): Fields {
  return isFields(value) && isFields(value[kind]) ? value[kind] : {};
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
