import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { ARGUMENTS, type ArgumentKind, CONTENT } from './words.ts';

/** An argument that decides where an effect lands, how much of it, or what runs. */
export interface Authority {
  /** `path`, `message.to`, `edits[].file`. */
  readonly argument: string;
  readonly kind: ArgumentKind;
}

/** One argument of a tool, by its place in the schema. */
export interface Argument {
  readonly path: string;
  readonly name: string;
  readonly schema: JsonObject;
}

const MAX_DEPTH = 5;
const MAX_ARGUMENTS = 500;

/** Every argument that a schema names, nested ones included, in the order of the schema; at most 500. */
export function argumentsIn(schema: JsonObject): Argument[] {
  const found: Argument[] = [];
  walk(schema, '', 0, found);
  return found;
}

function walk(schema: Json | undefined, path: string, depth: number, found: Argument[]): void {
  if (!isJsonObject(schema) || depth > MAX_DEPTH || found.length >= MAX_ARGUMENTS) return;
  for (const key of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = schema[key];
    if (Array.isArray(parts)) for (const part of parts) walk(part as Json, path, depth + 1, found);
  }
  if (isJsonObject(schema.items)) walk(schema.items, `${path}[]`, depth + 1, found);
  if (!isJsonObject(schema.properties)) return;
  for (const [name, inner] of Object.entries(schema.properties)) {
    if (!isJsonObject(inner)) continue;
    const place = path === '' || path === '[]' ? name : `${path}.${name}`;
    if (found.length < MAX_ARGUMENTS && !found.some((known) => known.path === place))
      found.push({ path: place, name, schema: inner });
    walk(inner, place, depth + 1, found);
  }
}

/** `userId`, `user_id` → `user`, `id`. */
function partsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

/** What an argument decides; null: nothing but words or numbers. `changes`: the tool does more than look. */
export function kindOf({ name, schema }: Argument, changes: boolean): ArgumentKind | null {
  if (schema.type === 'boolean') return null;
  const words = partsOf(name);
  const joined = words.join('');
  const last = words.at(-1) ?? '';
  for (const [kind, known] of ARGUMENTS)
    if (
      known.has(joined) ||
      known.has(last) ||
      (kind !== 'target' && words.some((word) => known.has(word) && word.length > 2))
    )
      return kind === 'target' && joined === 'name' && !changes ? null : kind;
  if (isUri(schema)) return 'destination';
  if (CONTENT.has(joined) || CONTENT.has(last)) return null;
  return words.some((word) => word === 'id' || word === 'path') ? 'target' : null;
}

function isUri({ format, pattern }: JsonObject): boolean {
  return (
    (typeof format === 'string' && /^(?:uri|url|iri|email|hostname)/.test(format)) ||
    (typeof pattern === 'string' && /https?:/.test(pattern))
  );
}

/** The arguments that what happens hangs on. */
export function authorityOf(args: readonly Argument[], changes: boolean): Authority[] {
  return args.flatMap((argument) => {
    const kind = kindOf(argument, changes);
    return kind === null ? [] : [{ argument: argument.path, kind }];
  });
}

/** A text that is not held to choices, a pattern or a format. */
export function isFreeText({ schema }: Argument): boolean {
  const types = Array.isArray(schema.type) ? schema.type : [schema.type ?? 'string'];
  return (
    types.includes('string') &&
    schema.enum === undefined &&
    schema.const === undefined &&
    schema.pattern === undefined
  );
}
