import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { parsePath } from '../path.ts';
import { describedRecovery, namedRecovery } from '../recovery-names.ts';
import { firstVerb, wordsOf } from '../recovery-words.ts';
import { argumentOf, shortened } from './argument.ts';
import { OpenapiFault, type References } from './references.ts';
import { projectionOf } from './response.ts';

/** One operation of a document, before it is made a tool of. */
export interface Operation {
  /** `operationId`, or method and path. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly shared: readonly Json[];
  readonly value: JsonObject;
  readonly effect: 'read' | 'write' | 'destroy';
  readonly recovery: string | null;
}

export interface ProposedTool {
  readonly name: string;
  readonly definition: JsonObject;
  readonly notes: readonly string[];
}

const ARGUMENT = /^[a-zA-Z][a-zA-Z0-9_]{0,62}$/;

/** The class by its method, raised by what names and words say. */
export function riskOf(
  method: string,
  value: JsonObject,
  path: string,
): Pick<Operation, 'effect' | 'recovery'> {
  const { operationId, summary, description } = value;
  const names = [
    String(operationId ?? ''),
    path
      .split('/')
      .filter((part) => !part.startsWith('{'))
      .at(-1) ?? '',
  ];
  const texts = [summary, description].filter((text) => typeof text === 'string');
  const recovery =
    names.map((name) => namedRecovery(name)).find((found) => found !== null) ??
    texts.map(describedRecovery).find((found) => found !== null) ??
    null;
  const reads = method === 'get' || method === 'head';
  const removes = names.some((name) => firstVerb(wordsOf(name), 'ending') !== undefined);
  if (recovery !== null || method === 'delete' || removes) return { effect: 'destroy', recovery };
  return { effect: reads ? 'read' : 'write', recovery };
}

/** Throws OpenapiFault for an operation that no narrow tool can be made of. */
export function toolOf(
  operation: Operation,
  connection: string,
  name: string,
  references: References,
): ProposedTool {
  const { method, value, effect, recovery } = operation;
  const notes: string[] = [];
  const input: { [argument: string]: JsonObject } = {};
  const query: { [key: string]: string } = {};
  const renamed = new Map<string, string>();
  const add = (given: string, schema: Json | undefined, required: boolean): string => {
    const argument = free(given, input);
    const { definition, nullable } = argumentOf(schema, references, (words) =>
      notes.push(`${given}: ${words}`),
    );
    input[argument] = { ...definition, ...(required && !nullable ? {} : { optional: true }) };
    return argument;
  };
  for (const parameter of parametersOf(operation, references)) {
    const key = String(parameter.name);
    const required = parameter.required === true || parameter.in === 'path';
    try {
      const schema = schemaOf(parameter);
      if (parameter.in === 'path') renamed.set(key, addPath(add, key, schema, input));
      else if (parameter.in === 'query')
        query[queryKey(key, parameter)] = `{${add(key, schema, required)}}`;
      else
        throw new OpenapiFault(
          `it goes into the ${String(parameter.in)}, where agents write nothing`,
        );
    } catch (error) {
      if (!(error instanceof OpenapiFault) || required)
        throw error instanceof OpenapiFault
          ? new OpenapiFault(`\`${key}\`: ${error.message}`)
          : error;
      notes.push(`${key}: left out, ${error.message}`);
    }
  }
  const path = pathOf(operation.path, renamed);
  const body = bodyOf(value, references, add);
  const project = projectionOf(value, references, notes);
  const { summary, description } = value;
  return {
    name,
    notes: [
      ...notes,
      ...(recovery === null
        ? []
        : [`it seems to remove what people recover with (\`${recovery}\`)`]),
    ],
    definition: {
      connection,
      description: shortened(String(summary ?? description ?? operation.id)) || operation.id,
      effect,
      ...(recovery === null ? {} : { recoveryPath: true }),
      ...(Object.keys(input).length === 0 ? {} : { input }),
      http: {
        method: method.toUpperCase(),
        path,
        ...(Object.keys(query).length === 0 ? {} : { query }),
        ...(body === undefined ? {} : { body }),
        ...(project === null ? {} : { project }),
      },
    },
  };
}

function addPath(
  add: (given: string, schema: Json | undefined, required: boolean) => string,
  key: string,
  schema: Json | undefined,
  input: { readonly [argument: string]: JsonObject },
): string {
  const argument = add(key, schema, true);
  if (input[argument]?.type === 'array' || input[argument]?.type === 'object')
    throw new OpenapiFault('it is no single value and stands in the path');
  return argument;
}

/** Those of the operation come before those of its path. */
function parametersOf({ shared, value }: Operation, references: References): JsonObject[] {
  const own = Array.isArray(value.parameters) ? (value.parameters as Json[]) : [];
  const found = new Map<string, JsonObject>();
  for (const given of [...shared, ...own].slice(0, MAX_PARAMETERS)) {
    const parameter = references.at(given);
    found.set(`${String(parameter.in)} ${String(parameter.name)}`, parameter);
  }
  return [...found.values()].filter(({ name }) => typeof name === 'string');
}

const MAX_PARAMETERS = 64;

function schemaOf({ in: where, schema, style, content }: JsonObject): Json | undefined {
  if (where === 'path' && style !== undefined && style !== 'simple')
    throw new OpenapiFault('it is written in a way of its own (`style`)');
  if (schema !== undefined || !isJsonObject(content)) return schema;
  throw new OpenapiFault('its value is encoded in a way of its own (`content`)');
}

function queryKey(key: string, { schema, style, explode }: JsonObject): string {
  if (/[&=#\p{Cc}]|^__proto__$/u.test(key) || key.length > 100)
    throw new OpenapiFault('its name cannot stand in a query');
  const type = isJsonObject(schema) ? schema.type : undefined;
  if (type === 'object' || (style !== undefined && style !== 'form'))
    throw new OpenapiFault('it is written in a way of its own (`style`)');
  if (type === 'array' && explode === false)
    throw new OpenapiFault('its list is written as one value');
  return key;
}

function bodyOf(
  { requestBody }: JsonObject,
  references: References,
  add: (given: string, schema: Json | undefined, required: boolean) => string,
): Json | undefined {
  if (requestBody === undefined) return undefined;
  const { content, required } = references.at(requestBody);
  const media = isJsonObject(content) ? Object.entries(content) : [];
  const json = media.find(([type]) => /^application\/(?:[a-z0-9.-]+\+)?json\b/i.test(type));
  if (json === undefined) throw new OpenapiFault('its body is no JSON');
  const { schema } = references.at(json[1]);
  const { definition } = argumentOf(schema, references, () => {});
  if (definition.type !== 'object') return `{${add('body', schema, required === true)}}`;
  const members = Object.entries(isJsonObject(definition.properties) ? definition.properties : {});
  return Object.fromEntries(
    members.map(([key, member]) => {
      const { optional, ...rest } = isJsonObject(member) ? member : {};
      return [key, `{${add(key, asSchema(rest), optional !== true)}}`];
    }),
  );
}

/** What was made closed already is read once more as what it is. */
function asSchema(definition: JsonObject): JsonObject {
  const { properties, items } = definition;
  if (isJsonObject(items)) return { ...definition, items: asSchema(items) };
  if (!isJsonObject(properties)) return definition;
  const members = Object.entries(properties).filter(([, one]) => isJsonObject(one)) as [
    string,
    JsonObject,
  ][];
  return {
    ...definition,
    properties: Object.fromEntries(
      members.map(([key, { optional: _, ...one }]) => [key, asSchema(one)]),
    ),
    required: members.filter(([, one]) => one.optional !== true).map(([key]) => key),
  };
}

/** The path with the names that its arguments have here. Throws OpenapiFault for one that can be read in two ways. */
function pathOf(path: string, renamed: ReadonlyMap<string, string>): string {
  const missing: string[] = [];
  const filled = path.replaceAll(/\{([^{}]*)\}/g, (_, key: string) => {
    const argument = renamed.get(key);
    if (argument === undefined) missing.push(key);
    return `{${argument ?? 'missing'}}`;
  });
  if (missing.length > 0)
    throw new OpenapiFault(`its path names \`{${missing[0]}}\`, which is no parameter`);
  try {
    parsePath(filled);
  } catch (error) {
    throw new OpenapiFault(`its path cannot be used: ${(error as Error).message}`);
  }
  return filled;
}

/** A name that arguments can have, and none of them has yet. */
function free(given: string, taken: { readonly [name: string]: unknown }): string {
  const plain = given
    .replaceAll(/[^A-Za-z0-9_]+/g, '_')
    .replaceAll(/^[^A-Za-z]+|_+$/g, '')
    .slice(0, 50);
  const base = ARGUMENT.test(plain) && !RESERVED.has(plain) ? plain : `arg_${plain}`.slice(0, 50);
  let name = base;
  for (let i = 2; Object.hasOwn(taken, name); i++) name = `${base}_${i}`;
  return name;
}

const RESERVED = new Set([
  'constructor',
  'prototype',
  '__proto__',
  'toString',
  'valueOf',
  'hasOwnProperty',
]);
