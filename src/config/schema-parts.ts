import type { JsonObject } from '../domain/json.ts';

/** The few shapes that the schema of signalbox.yaml is built from. */
export const text = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'string',
  minLength: 1,
  maxLength: 2_000,
  description,
  ...more,
});
export const count = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'integer',
  minimum: 0,
  maximum: Number.MAX_SAFE_INTEGER,
  description,
  ...more,
});
export const flag = (description: string, usual: boolean): JsonObject => ({
  type: 'boolean',
  default: usual,
  description,
});
export const closed = (
  description: string,
  required: readonly string[],
  properties: JsonObject,
): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  description,
  required,
  properties,
});
export const table = (
  description: string,
  names: string,
  most: number,
  of: JsonObject,
): JsonObject => ({
  type: 'object',
  description,
  maxProperties: most,
  propertyNames: { pattern: names },
  additionalProperties: of,
});
export const ref = (name: string): JsonObject => ({ $ref: `#/$defs/${name}` });

/** A condition of JSON Schema. */
export function when(condition: JsonObject, holds: JsonObject, otherwise?: JsonObject): JsonObject {
  const keywords: [string, JsonObject][] = [
    ['if', condition],
    ['then', holds],
  ];
  if (otherwise !== undefined) keywords.push(['else', otherwise]);
  return Object.fromEntries(keywords);
}
