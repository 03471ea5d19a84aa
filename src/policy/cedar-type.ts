/** The types of Cedar that facts and arguments have. */
export type CedarType =
  | { readonly kind: 'Bool' | 'Long' | 'String' }
  | { readonly kind: 'Entity'; readonly name: string }
  | { readonly kind: 'Set'; readonly of: CedarType }
  | { readonly kind: 'Record'; readonly attributes: Attributes };

export type Attributes = { readonly [name: string]: Attribute };

export interface Attribute {
  readonly type: CedarType;
  readonly required: boolean;
}

export const BOOL: CedarType = { kind: 'Bool' };
export const LONG: CedarType = { kind: 'Long' };
export const STRING: CedarType = { kind: 'String' };

export function setOf(of: CedarType): CedarType {
  return { kind: 'Set', of };
}

export function record(attributes: Attributes): CedarType {
  return { kind: 'Record', attributes };
}

export function required(types: { readonly [name: string]: CedarType }): CedarType {
  return record(
    Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, { type, required: true }]),
    ),
  );
}
