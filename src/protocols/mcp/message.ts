import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type Inexact, parseExactly } from './exact.ts';
import { ProtocolFault } from './faults.ts';

export type Id = string | number;

export interface Request {
  readonly kind: 'request';
  readonly id: Id;
  readonly method: string;
  readonly params: JsonObject;
}

export interface Notification {
  readonly kind: 'notification';
  readonly method: string;
  readonly params: JsonObject;
}

/** An answer of the client to something it was asked on a stream. */
export interface Response {
  readonly kind: 'response';
  readonly id: Id | null;
  /** Null: the client answered with an error. */
  readonly result: JsonObject | null;
}

export type Message = Request | Notification | Response;

const MAX_DEPTH = 32;
const MAX_VALUES = 20_000;
const MAX_BATCH = 16;
const MAX_METHOD = 128;
const MAX_ID = 256;

/** One message, or a batch of them. Throws ProtocolFault. */
export function parseBody(text: string): Message | readonly Message[] {
  let value: Json;
  let inexact: Inexact;
  try {
    ({ value, inexact } = parseExactly(text));
  } catch {
    throw new ProtocolFault('parse', 'the body is not JSON');
  }
  if (!isPlain(text)) checkValues(value);
  for (const message of Array.isArray(value) ? value : [value]) checkArguments(message, inexact);
  if (!Array.isArray(value)) return messageOf(value);
  if (value.length === 0) throw new ProtocolFault('invalidRequest', 'an empty batch');
  if (value.length > MAX_BATCH)
    throw new ProtocolFault('invalidRequest', `a batch of more than ${MAX_BATCH} messages`);
  const messages = value.map(messageOf);
  const ids = messages.flatMap((message) => (message.kind === 'request' ? [message.id] : []));
  if (new Set(ids).size < ids.length)
    throw new ProtocolFault('invalidRequest', 'two requests of the batch have the same id');
  return messages;
}

/** The arguments of a tool decide what is hit: a number that would silently become another one is refused. */
function checkArguments(message: Json, inexact: Inexact): void {
  if (inexact.size === 0 || !isJsonObject(message) || !isJsonObject(message.params)) return;
  const visit = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    const name = inexact.get(value);
    if (name !== undefined)
      throw new ProtocolFault(
        'invalidParams',
        `the number in \`${name.slice(0, 60)}\` has more digits than a JSON number keeps`,
        { code: 'REQUEST_MALFORMED', help: 'send it as a text' },
      );
    for (const member of Object.values(value)) visit(member as Json);
  };
  visit(message.params.arguments ?? null);
}

/** The id to answer a refused body with: the request's own where it can be read, else null. */
export function idIn(text: string): Id | null {
  try {
    const value = JSON.parse(text) as Json;
    return isJsonObject(value) && isId(value.id) ? value.id : null;
  } catch {
    return null;
  }
}

function messageOf(value: Json): Message {
  if (!isJsonObject(value) || value.jsonrpc !== '2.0')
    throw new ProtocolFault('invalidRequest', 'expected an object with `jsonrpc` `2.0`');
  if (!Object.hasOwn(value, 'method')) {
    if (Object.hasOwn(value, 'result') || Object.hasOwn(value, 'error')) return responseOf(value);
    throw new ProtocolFault('invalidRequest', 'expected a `method`');
  }
  const { method } = value;
  if (typeof method !== 'string' || method.length === 0 || method.length > MAX_METHOD)
    throw new ProtocolFault('invalidRequest', 'expected `method` to be a short text');
  const params = Object.hasOwn(value, 'params') ? (value.params ?? null) : {};
  if (!isJsonObject(params))
    throw new ProtocolFault('invalidRequest', 'expected `params` to be an object');
  if (!Object.hasOwn(value, 'id')) return { kind: 'notification', method, params };
  if (!isId(value.id))
    throw new ProtocolFault('invalidRequest', 'expected `id` to be a text or an integer');
  return { kind: 'request', id: value.id, method, params };
}

function responseOf({ id, result }: JsonObject): Response {
  return {
    kind: 'response',
    id: isId(id) ? id : null,
    result: isJsonObject(result) ? result : null,
  };
}

function isId(id: Json | undefined): id is Id {
  return typeof id === 'string' ? id.length <= MAX_ID : Number.isSafeInteger(id);
}

/**
 * True for a text that surely holds nothing `checkValues` would refuse: no escape that could make a lone surrogate or
 * NUL (the bytes were UTF-8), too short for too many values, and too few openings to nest deep.
 */
function isPlain(text: string): boolean {
  if (text.length > MAX_VALUES || text.includes('\\u') || text.includes('__proto__')) return false;
  let openings = 0;
  for (let at = text.indexOf('{'); at !== -1; at = text.indexOf('{', at + 1)) openings++;
  for (let at = text.indexOf('['); at !== -1; at = text.indexOf('[', at + 1)) openings++;
  return openings <= MAX_DEPTH;
}

/**
 * What no reader downstream should have to think about: depth, sheer number, texts that PostgreSQL or UTF-8 cannot
 * hold, and the one member name that means something else to JavaScript.
 */
function checkValues(root: Json): void {
  let values = 0;
  const visit = (value: Json, depth: number): void => {
    if (++values > MAX_VALUES)
      throw new ProtocolFault('invalidRequest', `more than ${MAX_VALUES} values in one message`);
    if (typeof value === 'string') checkText(value);
    if (typeof value !== 'object' || value === null) return;
    if (depth === MAX_DEPTH)
      throw new ProtocolFault('invalidRequest', `nested deeper than ${MAX_DEPTH} levels`);
    if (Array.isArray(value)) {
      for (const member of value as readonly Json[]) visit(member, depth + 1);
      return;
    }
    const members = value as JsonObject;
    for (const name in members) {
      checkText(name);
      if (name === '__proto__')
        throw new ProtocolFault('invalidRequest', 'a member named `__proto__`');
      visit(members[name] as Json, depth + 1);
    }
  };
  visit(root, 0);
}

function checkText(text: string): void {
  if (!text.isWellFormed())
    throw new ProtocolFault('invalidRequest', 'a text with a lone surrogate (`\\ud800`)');
  if (text.includes('\0')) throw new ProtocolFault('invalidRequest', 'a text with NUL (`\\u0000`)');
}
