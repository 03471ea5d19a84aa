import { isIP } from 'node:net';
import { addressKind } from '../../boundary/addresses.ts';
import type { Connection, Tool } from '../../domain/bundle.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { encodePart, fillPath, type PathTemplate, parsePath } from '../../tools/path.ts';
import {
  argument,
  fillJson,
  fillText,
  type JsonTemplate,
  parseJsonTemplate,
  parseTemplate,
  soleName,
  type Template,
} from '../../tools/template.ts';
import { type Parts, partsOf } from '../parted.ts';

/** What goes on the wire, apart from the credential. Origin and path of the connection are not in an argument's reach. */
export interface Request {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** The request of a tool, its templates parsed once. */
export interface RequestTemplate {
  readonly method: string;
  readonly path: PathTemplate;
  readonly slashes: boolean;
  readonly query: readonly (readonly [name: string, value: Template])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonTemplate | null;
  /** Null: the whole answer is handed on. */
  readonly parts: Parts | null;
  readonly idempotencyHeader: string | null;
  /** How often it may be sent again; 0 for whatever is no idempotent method with a key. */
  readonly retries: number;
}

/** Throws a SyntaxError for a binding that no loader would have made. */
export function requestTemplate({ binding }: Pick<Tool, 'binding'>): RequestTemplate {
  const { method, path, query, headers, body, idempotencyHeader } = binding;
  if (typeof method !== 'string' || typeof path !== 'string')
    throw new SyntaxError('expected `method` and `path` in the request');
  return {
    method,
    path: parsePath(path),
    slashes: binding.encodeSlashes === true,
    query: Object.entries(objectOf(query)).map(([name, value]) => [
      name,
      parseTemplate(String(value)),
    ]),
    headers: Object.fromEntries(
      Object.entries(objectOf(headers)).map(([name, value]) => [name, String(value)]),
    ),
    body: body === undefined ? null : parseJsonTemplate(body),
    parts: partsOf(binding),
    idempotencyHeader: typeof idempotencyHeader === 'string' ? idempotencyHeader : null,
    retries: retriesOf(binding),
  };
}

function retriesOf({ method, idempotencyHeader, retries }: JsonObject): number {
  const harmless =
    (method === 'PUT' || method === 'DELETE') && typeof idempotencyHeader === 'string';
  return harmless && typeof retries === 'number' ? Math.min(Math.max(retries, 0), MAX_RETRIES) : 0;
}

const MAX_RETRIES = 3;
const MAX_PATH = 16 * 1024;
const MAX_BODY = 1024 * 1024;

/**
 * The request with its arguments. Throws a TypeError, without quoting a value, for arguments that would change more
 * than the value they fill.
 */
export function fillRequest(template: RequestTemplate, target: URL, input: JsonObject): Request {
  const path = `${basePathOf(target)}${fillPath(template.path, input, template.slashes)}`;
  // What the target would read must be what was written: no dots resolved, no host found in the path.
  if (new URL(target.origin + path).pathname !== path)
    throw new TypeError('the arguments make a path that can be read in two ways');
  const whole = path + queryOf(template.query, input);
  if (whole.length > MAX_PATH)
    throw new TypeError(
      `the arguments make a path of ${whole.length} characters, at most ${MAX_PATH}`,
    );
  const filled = template.body === null ? undefined : fillJson(template.body, input);
  const body = filled === undefined ? null : JSON.stringify(filled);
  if (body !== null && Buffer.byteLength(body) > MAX_BODY)
    throw new TypeError(`the arguments make a body of more than ${MAX_BODY} bytes`);
  return {
    method: template.method,
    path: whole,
    headers: {
      // as it is on the wire, so that a cap counts what was sent
      'accept-encoding': 'identity',
      accept: 'application/json, */*;q=0.5',
      'user-agent': 'signalbox',
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...template.headers,
    },
    body,
  };
}

export function targetUrl(connection: Connection): URL {
  return new URL(String(connection.settings.url));
}

/** Neither the organisation’s own nor in a private network: what is sent there has left. */
export function isOutward({ settings }: Connection, target: URL): boolean {
  if (settings.inside === true) return false;
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(host) === 0 ? settings.allowPrivate !== true : addressKind(host) !== 'private';
}

function basePathOf(target: URL): string {
  return target.pathname.replace(/\/$/, '');
}

function queryOf(query: RequestTemplate['query'], input: JsonObject): string {
  const pairs = query.flatMap(([name, template]) =>
    valuesOf(template, input).map((value) => `${encodePart(name)}=${encodePart(value)}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** A list of single values makes one pair each; what was left out makes none. */
function valuesOf(template: Template, input: JsonObject): string[] {
  const sole = soleName(template);
  const value = sole === null ? undefined : argument(input, sole);
  const texts = Array.isArray(value)
    ? value.map((each: Json) => fillText([{ name: 'each' }], { each }))
    : [fillText(template, input)];
  return texts.flatMap((text) => {
    if (text === undefined) return [];
    if (!text.isWellFormed())
      throw new TypeError('an argument of the query is no well-formed text');
    return [text];
  });
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
