import { digestOf } from '../../domain/digest.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** Members of a schema that are words for a reader. */
const WORDS = new Set(['title', 'description', '$comment']);
/** Tables whose keys are names, so that an argument called `title` is one. */
const NAMED = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);
/** Values, in which nothing is a word. */
const VALUES = new Set(['enum', 'const', 'default', 'examples', 'required']);

/**
 * What a definition is but for its words: while that stays, a call means what it meant, and agents go on reading the
 * words that were pinned. Annotations are no words but for their title.
 */
export function shapeDigest(definition: JsonObject): string {
  const { title: _, description: __, inputSchema, outputSchema, annotations, ...rest } = definition;
  const { title: ___, ...hints } = isJsonObject(annotations) ? annotations : {};
  return digestOf('mcp/shape', {
    ...rest,
    annotations: hints,
    inputSchema: wordless(inputSchema ?? null),
    outputSchema: wordless(outputSchema ?? null),
  });
}

function wordless(schema: Json): Json {
  if (Array.isArray(schema)) return (schema as readonly Json[]).map(wordless);
  if (!isJsonObject(schema)) return schema;
  const kept = Object.entries(schema).flatMap(([key, value]): [string, Json][] => {
    if (WORDS.has(key) && typeof value === 'string') return [];
    if (VALUES.has(key)) return [[key, value]];
    if (!NAMED.has(key) || !isJsonObject(value)) return [[key, wordless(value)]];
    return [
      [
        key,
        Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, wordless(inner)])),
      ],
    ];
  });
  return Object.fromEntries(kept);
}
