import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { pointerNames, pointerToken } from '../../domain/pointer.ts';

/** A parameter of a tool that its schema wants mirrored into an HTTP header. */
export interface MirroredParam {
  /** Names of members, from the arguments down. */
  readonly path: readonly string[];
  /** The whole header name, as its schema spells it. */
  readonly header: string;
}

/** What a schema says about mirroring. With a `fault` the tool must not be served over HTTP at all. */
export interface Mirrored {
  readonly params: readonly MirroredParam[];
  readonly fault: string | null;
}

const ANNOTATION = 'x-mcp-header';
const PREFIX = 'Mcp-Param-';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}$/;
const TYPES = new Set(['string', 'integer', 'boolean']);
const MAX_PARAMS = 64;
const MAX_DEPTH = 32;
const NONE: Mirrored = { params: [], fault: null };

class Fault extends Error {}

/** Reads and validates the `x-mcp-header` annotations of an input schema. Never throws. */
export function mirroredParams(schema: JsonObject): Mirrored {
  const found: MirroredParam[] = [];
  try {
    visit(schema, [], found);
    checkUnique(found);
  } catch (error) {
    if (error instanceof Fault) return { params: [], fault: error.message };
    throw error;
  }
  return found.length === 0 ? NONE : { params: found, fault: null };
}

/** `path` is null where no chain of `properties` alone leads: there an annotation is a fault. */
function visit(
  node: Json,
  path: readonly string[] | null,
  found: MirroredParam[],
  depth = 0,
): void {
  if (typeof node !== 'object' || node === null) return;
  if (depth > MAX_DEPTH) throw new Fault(`the schema is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(node)) {
    for (const each of node as readonly Json[]) visit(each, null, found, depth + 1);
    return;
  }
  const schema = node as JsonObject;
  if (Object.hasOwn(schema, ANNOTATION)) found.push(annotated(schema, path));
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA.has(keyword)) continue;
    if (keyword === 'properties' && isJsonObject(value))
      for (const [name, sub] of Object.entries(value))
        visit(sub, path === null ? null : [...path, name], found, depth + 1);
    else visit(value, null, found, depth + 1);
  }
}

/** Keywords whose values are data of the caller's making, not schemas. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'required', 'dependentRequired']);

function annotated(schema: JsonObject, path: readonly string[] | null): MirroredParam {
  const name = schema[ANNOTATION];
  const where = path === null ? 'a place that `properties` alone do not lead to' : path.join('.');
  if (path === null || path.length === 0)
    throw new Fault(`\`${ANNOTATION}\` stands at ${where === '' ? 'the root' : where}`);
  if (typeof name !== 'string' || !TOKEN.test(name))
    throw new Fault(`\`${ANNOTATION}\` of \`${where}\` is no name of a header`);
  if (typeof schema.type !== 'string' || !TYPES.has(schema.type))
    throw new Fault(`\`${ANNOTATION}\` of \`${where}\` needs a string, an integer or a boolean`);
  return { path, header: PREFIX + name };
}

function checkUnique(found: readonly MirroredParam[]): void {
  if (found.length > MAX_PARAMS)
    throw new Fault(`more than ${MAX_PARAMS} parameters with \`${ANNOTATION}\``);
  const names = new Set(found.map(({ header }) => header.toLowerCase()));
  if (names.size < found.length) throw new Fault(`two parameters with the same \`${ANNOTATION}\``);
}

/** The `Mcp-Param-*` headers of one call. What is absent or null has none. */
export function paramHeaders(
  params: readonly MirroredParam[],
  input: JsonObject,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { path, header } of params) {
    const text = textOf(valueAt(input, path));
    if (text !== null) headers[header] = encodeHeader(text);
  }
  return headers;
}

/**
 * Why the headers that came are not what the arguments say; null when they agree. `headerOf` is asked for names in
 * lower case.
 */
export function paramMismatch(
  params: readonly MirroredParam[],
  input: JsonObject,
  headerOf: (name: string) => string | undefined,
): string | null {
  for (const { path, header } of params) {
    const value = valueAt(input, path);
    const came = headerOf(header.toLowerCase());
    if (value === undefined || value === null) {
      if (came !== undefined) return `\`${header}\` is sent, and the body has no such argument`;
      continue;
    }
    if (came === undefined) return `\`${header}\` is missing`;
    const meant = decodeHeader(came);
    if (meant === null) return `\`${header}\` is not a value that a header can carry`;
    if (!isSame(value, meant)) return `\`${header}\` is not what the body says`;
  }
  return null;
}

/** Numbers are compared as numbers: `42.0` is `42`. */
function isSame(value: Json, meant: string): boolean {
  if (typeof value !== 'number') return textOf(value) === meant;
  return /^-?\d{1,16}(?:\.\d{1,16})?$/.test(meant) && Number(meant) === value;
}

/** Null for what no header can say: what is absent, no single value, or an integer that is not exact. */
function textOf(value: Json | undefined): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : null;
}

function valueAt(input: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = input;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

const PLAIN = /^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/;
const SEALED = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/;

/** A header value for any text: as it is when it is plain ASCII, else `=?base64?…?=`. */
export function encodeHeader(text: string): string {
  if (PLAIN.test(text) && !(text.startsWith('=?base64?') && text.endsWith('?='))) return text;
  return `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

/** What a header value means; null when no client that keeps to the rules would send it. */
export function decodeHeader(value: string): string | null {
  const plain = value.trim();
  const sealed = SEALED.exec(plain);
  if (sealed === null) return PLAIN.test(plain) ? plain : null;
  const base64 = sealed[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  // one spelling for one value, with or without its padding, and nothing that is no UTF-8
  if (bytes.toString('base64').replace(/=+$/, '') !== base64.replace(/=+$/, '')) return null;
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : null;
}

/** As it stands in the binding of a tool: JSON pointer of the argument → header. */
export function bindingOfParams(params: readonly MirroredParam[]): JsonObject {
  return Object.fromEntries(
    params.map(({ path, header }) => [
      path.map((name) => `/${pointerToken(name)}`).join(''),
      header,
    ]),
  );
}

export function paramsOfBinding(headers: Json | undefined): readonly MirroredParam[] {
  if (!isJsonObject(headers)) return [];
  return Object.entries(headers).map(([pointer, header]) => ({
    path: pointerNames(pointer),
    header: String(header),
  }));
}

/** The methods whose `params` member the `Mcp-Name` header mirrors. */
export const NAMED: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
]);
