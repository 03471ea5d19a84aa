/** From a message that is right to one that is not: members, bytes, headers, framing. */
import type { Chance } from './chance.ts';
import { type Grammar, type Header, messageOf, type Seed, seedOf } from './grammar.ts';

/** What goes on the wire. */
export interface Shot {
  readonly bytes: Buffer;
  /** The listener cannot know where it ends: nothing may follow on this connection. */
  readonly last: boolean;
}

type Loose = { [name: string]: unknown } | unknown[];

const DEEP = 40;
const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  -0,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  "'; DROP TABLE actions; --",
  '{{text}}',
  'x'.repeat(5_000),
  [],
  {},
  [[[]]],
  { $ref: '#' },
  { toString: null, valueOf: 1 },
  JSON.parse('{"__proto__":{"polluted":true}}'),
];

export function shotOf(grammar: Grammar): Shot {
  const { chance } = grammar;
  const seed = seedOf(grammar);
  const body = seed.body === null ? null : structuredClone(seed.body as unknown);
  const headers = [...seed.headers];
  let text = body === null ? null : JSON.stringify(body);
  let framing = false;
  const changes = chance.one([0, 0, 0, 1, 1, 1, 2, 4]);
  let value: unknown = body;
  for (let change = 0; change < changes; change++) {
    const kind = chance.upTo(100);
    if (kind < 50 && value !== null) value = reshape(grammar, value);
    else if (kind < 80) reheader(chance, headers);
    else if (kind < 98) {
      text = bytesOf(chance, value === null ? (text ?? '') : JSON.stringify(value));
      value = null;
    } else framing = true;
  }
  if (value !== null) text = JSON.stringify(value) ?? '';
  return assemble(grammar, seed, headers, text, framing);
}

/** A copy: what is put into one message is changed there, and must not be shared with the next. */
const oddity = (chance: Chance): unknown => structuredClone(chance.one(ODD));

function reshape(grammar: Grammar, root: unknown): unknown {
  const { chance } = grammar;
  const kind = chance.upTo(12);
  if (kind === 0) return Array.from({ length: chance.upTo(20) }, () => messageOf(grammar));
  if (kind === 1) return [root];
  if (kind === 2) return nested(chance.upTo(DEEP), root);
  const place = placeIn(chance, root);
  if (place === null) return oddity(chance);
  const [parent, key] = place;
  if (kind < 5) remove(parent, key);
  else if (kind < 7) put(parent, chance.one(NAMES), oddity(chance));
  else if (kind < 8) put(parent, chance.one(NAMES), get(parent, key));
  else if (kind < 9) put(parent, key, messageOf(grammar));
  else put(parent, key, oddity(chance));
  return root;
}

const NAMES = [
  'id',
  'method',
  'params',
  'name',
  'arguments',
  '_meta',
  'cursor',
  'requestState',
  'inputResponses',
  '__proto__',
  'constructor',
  'jsonrpc',
  'result',
  'uri',
  'progressToken',
];

function nested(depth: number, inner: unknown): unknown {
  let value = inner;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Some member of some object or list in it. */
function placeIn(chance: Chance, root: unknown): [Loose, string] | null {
  let parent = root;
  for (let depth = 0; ; depth++) {
    if (typeof parent !== 'object' || parent === null) return null;
    const keys = Object.keys(parent);
    if (keys.length === 0) return null;
    const key = chance.one(keys);
    const child = get(parent as Loose, key);
    const leaf = typeof child !== 'object' || child === null || depth > 6;
    if (leaf || chance.onceIn(3)) return [parent as Loose, key];
    parent = child;
  }
}

const get = (parent: Loose, key: string): unknown => (parent as { [name: string]: unknown })[key];

function put(parent: Loose, key: string, value: unknown): void {
  Object.defineProperty(parent, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function remove(parent: Loose, key: string): void {
  if (!Array.isArray(parent)) delete parent[key];
  else {
    // `splice` asks the list for its constructor, and that may be one of ours by now
    for (let at = Number(key); at + 1 < parent.length; at++) parent[at] = parent[at + 1];
    parent.length = Math.max(0, parent.length - 1);
  }
}

const HEADERS: readonly Header[] = [
  ['content-type', 'text/plain'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-encoding', 'gzip'],
  ['accept', 'text/html'],
  ['accept', 'text/event-stream'],
  ['authorization', 'Bearer sbx_run_none'],
  ['authorization', 'Basic eDp5'],
  ['host', 'evil.example.com'],
  ['origin', 'http://evil.example.com'],
  ['mcp-protocol-version', '2026-07-28'],
  ['mcp-protocol-version', '2024-11-05'],
  ['mcp-protocol-version', 'v999'],
  ['mcp-method', 'tools/list'],
  ['mcp-name', '=?base64?SGVsbG8?='],
  ['mcp-name', '=?base64?!!!?='],
  ['mcp-param-region', 'x'],
  ['mcp-session-id', '0'.repeat(300)],
  ['last-event-id', '-1'],
  ['traceparent', 'zz'],
  ['expect', '100-continue'],
  ['x-long', 'y'.repeat(9_000)],
  ['cookie', 'a=b'],
];

function reheader(chance: Chance, headers: Header[]): void {
  const at = chance.upTo(Math.max(1, headers.length));
  const kind = chance.upTo(4);
  const known = headers[at];
  if (kind === 0) headers.splice(at, 1);
  else if (kind === 1 && known !== undefined) headers.push(known);
  else if (kind === 2 && known !== undefined)
    headers[at] = [known[0], bytesOf(chance, known[1]).replace(/[\r\n\0]/g, '')];
  else headers.push(chance.one(HEADERS));
}

/** Flips, drops, repeats, cuts. Characters stay below 256, so that one of them is one byte. */
function bytesOf(chance: Chance, text: string): string {
  let bytes = Buffer.from(text).toString('latin1');
  const times = 1 + chance.upTo(4);
  for (let time = 0; time < times; time++) {
    const at = chance.upTo(bytes.length + 1);
    const kind = chance.upTo(5);
    const noise = String.fromCharCode(chance.upTo(256));
    if (kind === 0) bytes = bytes.slice(0, at) + noise + bytes.slice(at + 1);
    else if (kind === 1) bytes = bytes.slice(0, at) + bytes.slice(at + 1 + chance.upTo(8));
    else if (kind === 2) bytes = bytes.slice(0, at) + noise + bytes.slice(at);
    else if (kind === 3) bytes = bytes.slice(0, at) + bytes.slice(Math.max(0, at - 20));
    else bytes = bytes.slice(0, at);
  }
  return bytes;
}

function assemble(
  { chance, slow }: Grammar,
  { method, path }: Seed,
  headers: readonly Header[],
  text: string | null,
  framing: boolean,
): Shot {
  const body = text === null ? Buffer.alloc(0) : bodyOf(text);
  const own = headers.some(([name]) => name === 'host') ? [] : ['host: HOST'];
  const lines = [...own, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const head = (length: readonly string[]): Buffer =>
    Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, ...length, '', ''].join('\r\n'), 'latin1');
  if (!framing) {
    const length = text === null ? [] : [`content-length: ${body.length}`];
    const odd = lines.some((line) => line.startsWith('expect:'));
    return { bytes: Buffer.concat([head(length), body]), last: odd };
  }
  // the others leave the listener with a part of a request
  const kind = slow ? chance.upTo(5) : 3;
  if (kind === 0)
    return {
      bytes: Buffer.concat([head([`content-length: ${body.length + 9}`]), body]),
      last: true,
    };
  if (kind === 1) return { bytes: Buffer.concat([head(['content-length: 3']), body]), last: true };
  if (kind === 2)
    return {
      bytes: Buffer.concat([head(['transfer-encoding: chunked']), chunked(chance, body)]),
      last: true,
    };
  if (kind === 3)
    return {
      bytes: Buffer.concat([head(['content-length: 5', 'content-length: 6']), body]),
      last: true,
    };
  return { bytes: head([]).subarray(0, chance.upTo(200)), last: true };
}

/** A text of characters below 256 is bytes already; any other is UTF-8. */
function bodyOf(text: string): Buffer {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 255) return Buffer.from(text);
  return Buffer.from(text, 'latin1');
}

function chunked(chance: Chance, body: Buffer): Buffer {
  const size = chance.onceIn(3) ? 'zz' : body.length.toString(16);
  const end = chance.onceIn(2) ? '\r\n0\r\n\r\n' : '\r\n';
  return Buffer.concat([Buffer.from(`${size}\r\n`), body, Buffer.from(end)]);
}
