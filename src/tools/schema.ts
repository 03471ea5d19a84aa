import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { compilePattern } from './pattern.ts';

const MAX_SCHEMA_BYTES = 64 * 1024;
const MAX_SCHEMA_DEPTH = 24;
const MAX_UNIQUE_ITEMS = 256;

/** Keywords whose value is a schema, a list of schemas, or a table of schemas. Only there is a key a keyword. */
const ONE = ['items', 'contains', 'not', 'if', 'then', 'else', 'propertyNames', 'unevaluatedItems'];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const TABLE = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];

/**
 * Why this input schema cannot be used: empty when it can. A schema may come from a stranger (a server that is adopted),
 * so nothing in it may reach the network, run for long, or leave the door open to unnamed arguments.
 */
export function schemaProblems(schema: JsonObject): readonly string[] {
  const text = JSON.stringify(schema);
  if (Buffer.byteLength(text) > MAX_SCHEMA_BYTES)
    return [`it has ${Buffer.byteLength(text)} bytes, at most ${MAX_SCHEMA_BYTES}`];
  if (schema.type !== 'object') return ['expected `type: object` at its root'];
  const problems: string[] = [];
  walk(schema, '', 0, problems);
  return problems;
}

/** The schema with every object closed that does not say otherwise; the root is closed whatever it says. */
export function closed(schema: JsonObject): JsonObject {
  return { ...closedInside(schema), additionalProperties: false };
}

function walk(schema: Json, at: string, depth: number, problems: string[]): void {
  if (typeof schema === 'boolean') return;
  if (!isJsonObject(schema)) {
    problems.push(`expected a schema at \`${at}\``);
    return;
  }
  if (depth > MAX_SCHEMA_DEPTH) {
    problems.push(`it is nested deeper than ${MAX_SCHEMA_DEPTH}`);
    return;
  }
  problems.push(...ownProblems(schema, at));
  for (const [path, inner] of schemasIn(schema)) walk(inner, `${at}/${path}`, depth + 1, problems);
}

function ownProblems(schema: JsonObject, at: string): string[] {
  const problems: string[] = [];
  const { $ref: ref, pattern, patternProperties } = schema;
  if (ref !== undefined && (typeof ref !== 'string' || !ref.startsWith('#/$defs/')))
    problems.push(`\`${at}/$ref\` leaves the schema: only \`#/$defs/…\` is followed`);
  for (const keyword of ['$id', '$anchor', '$dynamicRef', '$dynamicAnchor', '$recursiveRef'])
    if (schema[keyword] !== undefined) problems.push(`\`${at}/${keyword}\` is not used here`);
  const patterns = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  if (pattern !== undefined) patterns.push(String(pattern));
  for (const source of patterns) {
    const why = patternProblem(source);
    if (why !== null) problems.push(`the pattern at \`${at}\`: ${why}`);
  }
  if (schema.uniqueItems === true && !isAtMost(schema.maxItems, MAX_UNIQUE_ITEMS))
    problems.push(`\`${at}/uniqueItems\` needs \`maxItems\` of at most ${MAX_UNIQUE_ITEMS}`);
  return problems;
}

/** Null when the pattern can be matched in linear time. */
export function patternProblem(source: string): string | null {
  try {
    compilePattern(source);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.replaceAll('`', "'") : 'it cannot be read';
  }
}

function isAtMost(value: Json | undefined, most: number): boolean {
  return typeof value === 'number' && value <= most;
}

function schemasIn(schema: JsonObject): [string, Json][] {
  const found: [string, Json][] = [];
  for (const keyword of ONE)
    if (schema[keyword] !== undefined) found.push([keyword, schema[keyword]]);
  for (const keyword of LIST) {
    const list = schema[keyword];
    if (Array.isArray(list))
      list.forEach((inner, i) => void found.push([`${keyword}/${i}`, inner]));
  }
  for (const keyword of TABLE) {
    const table = schema[keyword];
    if (isJsonObject(table))
      for (const [name, inner] of Object.entries(table)) found.push([`${keyword}/${name}`, inner]);
  }
  for (const keyword of ['additionalProperties', 'unevaluatedProperties'])
    if (isJsonObject(schema[keyword])) found.push([keyword, schema[keyword]]);
  return found;
}

/** `not` and `if` stay as they are: closing what they exclude would let more in. */
function closedInside(schema: JsonObject): JsonObject {
  const copy: Record<string, Json> = { ...schema };
  for (const keyword of ['items', 'then', 'else'])
    if (copy[keyword] !== undefined) copy[keyword] = closeOne(copy[keyword]);
  for (const keyword of LIST)
    if (Array.isArray(copy[keyword])) copy[keyword] = copy[keyword].map(keepOpen);
  for (const keyword of TABLE) {
    const table = copy[keyword];
    if (isJsonObject(table))
      copy[keyword] = Object.fromEntries(
        Object.entries(table).map(([name, inner]) => [name, closeOne(inner)]),
      );
  }
  return copy;
}

/** Parts of `allOf` and its like see the same object: closing one would refuse what another names. */
function keepOpen(schema: Json): Json {
  return isJsonObject(schema) ? closedInside(schema) : schema;
}

function closeOne(schema: Json): Json {
  if (!isJsonObject(schema)) return schema;
  const inside = closedInside(schema);
  const named = isJsonObject(schema.properties) && schema.additionalProperties === undefined;
  const joined = LIST.some((keyword) => schema[keyword] !== undefined);
  return named && !joined ? { ...inside, additionalProperties: false } : inside;
}
