import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** What an input schema says of one attribute of `context.args`. Null: nothing of that kind. */
export interface Bound {
  readonly name: string;
  /** The argument that the attribute is made of. */
  readonly from: string;
  readonly least: number | null;
  readonly most: number | null;
  readonly among: readonly string[] | null;
}

/**
 * Bounds that every argument which fits the schema is held to. Only those that are plain are read: what is left out makes
 * more possible than is, which no proof is hurt by.
 */
export function schemaBounds({ properties, $ref: elsewhere }: JsonObject): readonly Bound[] {
  if (!isJsonObject(properties) || elsewhere !== undefined) return [];
  return Object.entries(properties).flatMap(([from, property]) => {
    // older drafts do not look at what stands beside a reference
    if (!isJsonObject(property) || property.$ref !== undefined) return [];
    const bound = boundOf(from, property);
    return bound === null ? [] : { ...bound, from };
  });
}

function boundOf(name: string, schema: JsonObject): Omit<Bound, 'from'> | null {
  const { type, minimum, maximum } = schema;
  switch (type) {
    case 'string': {
      const among = textsIn(schema);
      return among === null ? null : { name, least: null, most: null, among };
    }
    case 'integer':
      return {
        name,
        least: upTo(minimum, 1, Math.ceil),
        most: upTo(maximum, 1, Math.floor),
        among: null,
      };
    case 'number':
      // a little wider than it is: a fraction times a million is not exact
      return {
        name: `${name}_micros`,
        least: upTo(minimum, 1e6, (value) => Math.floor(value) - 1),
        most: upTo(maximum, 1e6, (value) => Math.ceil(value) + 1),
        among: null,
      };
    case 'array':
      return {
        name: `${name}_count`,
        least: upTo(schema.minItems, 1, Math.ceil) ?? 0,
        most: upTo(schema.maxItems, 1, Math.floor),
        among: null,
      };
    default:
      return null;
  }
}

function textsIn({ enum: among, const: only }: JsonObject): readonly string[] | null {
  const values = Array.isArray(among) ? among : typeof only === 'string' ? [only] : [];
  const texts = values.filter((value): value is string => typeof value === 'string');
  return texts.length === 0 || texts.length < values.length ? null : texts;
}

function upTo(
  value: Json | undefined,
  scale: number,
  rounded: (value: number) => number,
): number | null {
  if (typeof value !== 'number') return null;
  const bound = rounded(value * scale);
  return Number.isSafeInteger(bound) ? bound : null;
}
